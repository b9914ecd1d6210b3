/* Converts a float model with libsnug, proves the result, and runs it.
 *
 *     cc convert.c -lsnug -o convert && ./convert model.onnx model-w4a4.onnx 64
 *
 * The numbers behind the paths are the sizes of one sample, such as 1 8 8 for an image of one channel. Samples are random
 * here; a real program fills in those of its data. */
#include <snug.h>
#include <stdio.h>
#include <stdlib.h>

/* 100 samples, 25 at a time. */
typedef struct {
  int given;
  size_t size; /* elements of a sample */
  snug_tensor tensor;
} source;

static int32_t give_samples(void *context, snug_batch *batch) {
  source *source = context;
  if (source->given >= 100) return 0;
  float *values = source->tensor.data;
  for (size_t i = 0; i < 25 * source->size; i++) values[i] = (float)rand() / (float)RAND_MAX;
  batch->inputs = &source->tensor;
  batch->input_count = 1;
  source->given += 25;
  return 1;
}

static void show_progress(void *context, const char *activity, int64_t completed, int64_t total, const char *unit) {
  (void)context;
  fprintf(stderr, "\r%s: %lld of %lld %s   ", activity, (long long)completed, (long long)total, unit);
}

static int fail(snug_error *error) {
  fprintf(stderr, "error: %s\n", snug_error_line(error));
  int code = snug_error_code(error);
  snug_error_free(error);
  return code;
}

int main(int count, char **words) {
  if (count < 4 || count - 3 >= SNUG_MAX_RANK) {
    fprintf(stderr, "usage: %s IN.onnx OUT.onnx SIZE...\n", words[0]);
    return 64;
  }
  source source = {.size = 1, .tensor = {.element_type = 1, .rank = count - 2, .shape = {25}}};
  for (int i = 3; i < count; i++) {
    source.tensor.shape[i - 2] = atoi(words[i]);
    source.size *= (size_t)atoi(words[i]);
  }
  source.tensor.byte_count = 25 * source.size * sizeof(float);
  source.tensor.data = malloc(source.tensor.byte_count);

  snug_error *error = NULL;
  snug_model *model = snug_model_open(words[1], &error);
  if (!model) return fail(error);
  snug_samples *samples = snug_samples_read(give_samples, &source, SNUG_STACKED, &error);
  if (!samples) return fail(error);

  snug_observer observer = {.progress = show_progress};
  snug_model *converted = snug_model_convert(model, "{\"accumulator-bits\": 14}", samples, NULL, words[2],
                                             &observer, NULL, &error);
  fputc('\n', stderr);
  if (!converted) return fail(error);

  char *verdict = snug_model_verify(converted, NULL, &error);
  if (!verdict) return fail(error);
  printf("%s\n", verdict);
  snug_free(verdict);

  snug_session *session = snug_session_new(converted, NULL, &error);
  if (!session) return fail(error);
  float outputs[4096];
  snug_tensor result = {.data = outputs, .byte_count = sizeof outputs};
  if (snug_session_run(session, &source.tensor, 1, &result, 1, &error) != SNUG_OK) return fail(error);
  printf("%s: %zu bytes for 25 samples, the first %g\n", snug_session_output_name(session, 0), result.byte_count,
         (double)outputs[0]);

  snug_session_free(session);
  snug_model_free(converted);
  snug_samples_free(samples);
  snug_model_free(model);
  free(source.tensor.data);
  return 0;
}
