#ifndef SNUG_TEMPORARIES_H
#define SNUG_TEMPORARIES_H

/* Temporary files that a signal removes.

   Each has a slot from before it is made until it is renamed or removed. `snug_remove_temporaries` may run in
   a signal handler, at any moment of any thread: a file whose path it does not see is not made either, since
   files are made with signals blocked, and none once the removal has begun. */

/* Makes a new file, open for writing, and remembers its path. Returns the descriptor and sets `*slot`, or
   returns -1 and sets errno. A slot of -1 means that no signal removes the file, since too many are open at
   once. */
int snug_make_temporary(const char *path, int *slot);

/* Forgets a file that was renamed or removed. */
void snug_forget_temporary(int slot);

/* Removes all files that are remembered; the process must end after it. Async-signal-safe. */
void snug_remove_temporaries(void);

/* Locks an open file against other openings of it, in this process or another, until it is closed or its
   process is dead. Without `wait` it fails with EWOULDBLOCK where another opening holds the lock. Returns 0,
   or -1 with errno. */
int snug_lock_file(int descriptor, int wait);

#endif
