/* The command `snug` of the packages: it starts the command line that libsnug holds, so that both need be there once.

   The library is looked for from the folder of this program, where an archive, a Debian package, or pip puts it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define LIBRARY "libsnug.so." SNUG_MAJOR

static const char *const places[] = {
    "../lib",
    "../lib/*-linux-gnu",
    "../lib/python3*/site-packages/snug_onnx/lib",
    "../lib64/python3*/site-packages/snug_onnx/lib",
    "../lib/python3*/dist-packages/snug_onnx/lib",
    "../local/lib/python3*/dist-packages/snug_onnx/lib",
    "../lib/python3/dist-packages/snug_onnx/lib",
    "../snug_onnx/lib",
};

typedef const char *(*version_function)(void);
typedef int32_t (*main_function)(int32_t, const char *const *);

/* Runs the command line of the library at a path; returns only where that is another version, or can't be loaded. */
static void run(const char *path, int count, char **words) {
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "error: %s\n", dlerror());
    return;
  }
  version_function version = (version_function)(uintptr_t)dlsym(library, "snug_version");
  main_function start = (main_function)(uintptr_t)dlsym(library, "snug_main");
  if (version && start && strcmp(version(), SNUG_VERSION) == 0)
    exit(start(count, (const char *const *)words));
}

int main(int count, char **words) {
  /* The path by which this program was found, which the kernel tells without /proc. */
  char own[PATH_MAX];
  const char *called = (const char *)getauxval(AT_EXECFN);
  if (!called || !realpath(called, own)) {
    fputs("error: the folder of this program can't be found\n", stderr);
    return 2;
  }
  const char *folder = dirname(own);
  /* libgomp reads this when it is loaded: threads that wait for microseconds rather than milliseconds leave the cores to
     others. The library would otherwise have to start the program again. */
  if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "1000", 0);
  for (size_t place = 0; place < sizeof places / sizeof *places; place++) {
    char pattern[PATH_MAX + 128];
    snprintf(pattern, sizeof pattern, "%s/%s/" LIBRARY, folder, places[place]);
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) continue;
    for (size_t index = 0; index < found.gl_pathc; index++) run(found.gl_pathv[index], count, words);
    globfree(&found);
  }
  fprintf(stderr,
          "error: no " LIBRARY " of version " SNUG_VERSION " beside %s; install the package again, or run "
          "'python3 -m snug_onnx'\n",
          folder);
  return 2;
}
