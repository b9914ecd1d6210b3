/* Forgets handles and texts, which the address sanitizer has to find. */
#include <snug.h>

static __attribute__((noinline)) int forget(const char *path) {
  snug_model *model = snug_model_open(path, NULL);
  char *report = snug_model_inspect(model, NULL);
  return report == NULL;
}

int main(int count, char **words) {
  int failures = 0;
  /* Pointers to the last ones may still lie on the stack. */
  for (int i = 0; i < 50; i++) failures += forget(words[count - 1]);
  return failures;
}
