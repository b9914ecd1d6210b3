/* What libsnug promises to a caller in C, each promise on a line of the output; a broken one ends the program with 1.
 *
 * usage: checks DIGITS FOLDER     DIGITS is fixtures/digits, FOLDER an empty folder */
#include <pthread.h>
#include <snug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char model_path[4096], calibration[4096], output[4096];

static void check(int holds, const char *claim) {
  printf("%s: %s\n", holds ? "holds" : "BROKEN", claim);
  if (!holds) exit(1);
}

static char *read_file(const char *path, size_t *count) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *count = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*count);
  if (fread(bytes, 1, *count, file) != *count) exit(2);
  fclose(file);
  return bytes;
}

static snug_model *converted(const char *options, snug_samples *samples) {
  snug_error *error = NULL;
  snug_model *model = snug_model_open(model_path, &error);
  snug_model *result = snug_model_convert(model, options, samples, NULL, NULL, NULL, NULL, &error);
  if (!result) fprintf(stderr, "%s\n", snug_error_line(error));
  snug_error_free(error);
  snug_model_free(model);
  return result;
}

/* ---- Samples ---- */

typedef struct {
  int calls, batches;
  int32_t end;
  float values[2 * 64];
  int64_t labels[2];
  snug_tensor input, reference;
} source;

static int32_t give(void *context, snug_batch *batch) {
  source *source = context;
  if (source->calls == source->batches) return source->end;
  for (int i = 0; i < 2 * 64; i++) source->values[i] = (float)((i * 37 + source->calls * 11) % 101) / 101;
  source->labels[0] = source->calls % 10;
  source->labels[1] = (source->calls + 3) % 10;
  source->input = (snug_tensor){.element_type = 1, .rank = 4, .shape = {2, 1, 8, 8}, .data = source->values,
                                .byte_count = sizeof source->values};
  source->reference = (snug_tensor){.element_type = 7, .rank = 1, .shape = {2}, .data = source->labels,
                                    .byte_count = sizeof source->labels};
  batch->inputs = &source->input;
  batch->input_count = 1;
  batch->reference = &source->reference;
  source->calls++;
  return 1;
}

static void check_samples(void) {
  snug_error *error = NULL;
  source all = {.batches = 20};
  snug_samples *samples = snug_samples_read(give, &all, SNUG_STACKED, &error);
  check(samples && snug_samples_count(samples) == 40, "samples come from a callback");
  snug_model *model = converted("{\"accumulator-bits\":12}", samples);
  check(model != NULL, "a model is converted on them");
  char *verdict = snug_model_verify(model, NULL, &error);
  check(verdict && strstr(verdict, "\"certified\":true") == strchr(verdict, '"'), "the result is certified");
  snug_free(verdict);
  char *score = snug_model_evaluate(model, "{\"limit\":30}", samples, NULL, &error);
  check(score && strstr(score, "\"top1\"") && strstr(score, "\"samples\":30"), "their labels measure a model");
  snug_free(score);
  snug_model_free(model);
  snug_samples_free(samples);

  source broken = {.batches = 2, .end = -1};
  check(!snug_samples_read(give, &broken, SNUG_STACKED, &error) && snug_error_code(error) == SNUG_INTERRUPTED,
        "a source that gives up ends the reading");
  snug_error_free(error);
  error = NULL;
  source none = {.batches = 0};
  check(!snug_samples_read(give, &none, SNUG_STACKED, &error) && snug_error_code(error) == SNUG_UNUSABLE_INPUT,
        "a source without samples is refused");
  snug_error_free(error);
}

/* ---- Memory ---- */

static void check_memory(void) {
  snug_error *error = NULL;
  size_t count;
  char *bytes = read_file(model_path, &count);
  snug_model *model = snug_model_from_memory(bytes, count, "digits", &error);
  memset(bytes, 0, count);
  char *signature = snug_model_signature(model, &error);
  check(signature && strstr(signature, "\"name\":\"input\""), "a model is read from memory, which is copied");
  snug_free(signature);
  char private[4096];
  snprintf(private, sizeof private, "%s", snug_model_path(model));
  check(access(private, R_OK) == 0, "it lies in a private file");
  char options[8192];
  snprintf(options, sizeof options, "{\"data\":\"%s\", \"accumulator-bits\":13}", calibration);
  char *summary = NULL;
  snug_model *result = snug_model_convert(model, options, NULL, NULL, NULL, NULL, &summary, &error);
  check(result && summary && strstr(summary, "\"calibration_samples\":200"), "options name data on disk");
  snug_free(summary);
  size_t length = 0;
  void *content = snug_model_bytes(result, &length, &error);
  snug_model *again = snug_model_from_memory(content, length, NULL, &error);
  char *verdict = snug_model_verify(again, "{\"accumulator-bits\":5}", &error);
  check(verdict && strstr(verdict, "\"certified\":false") && strstr(verdict, "counterexample"),
        "a result goes to memory, and a refutation is no error");
  snug_free(verdict);
  snug_free(content);
  snug_model_free(again);
  check(snug_model_save(result, output, &error) == SNUG_OK && access(output, R_OK) == 0, "a result is saved");
  snug_model *exported = snug_model_export(result, "{\"format\":\"qcdq\"}", NULL, &summary, &error);
  check(exported && strstr(summary, "\"format\":\"qcdq\""), "a result is exported");
  snug_free(summary);
  snug_model_free(exported);
  char *page = snug_model_page(result, &error);
  check(page && strstr(page, "<html"), "a report is a page");
  snug_free(page);
  char *certificate = snug_model_certificate(result, NULL, &error);
  check(certificate && strstr(certificate, "\"sha256\""), "a certificate is bound to the file");
  snug_free(certificate);
  snug_model_free(result);
  snug_model_free(model);
  check(access(private, F_OK) != 0, "the private file goes with its handle");
  free(bytes);
}

/* ---- Errors ---- */

static void check_errors(void) {
  snug_error *error = NULL;
  check(!snug_model_open("/nonexistent.onnx", &error) && snug_error_code(error) == SNUG_UNUSABLE_INPUT &&
            strstr(snug_error_line(error), "/nonexistent.onnx") && *snug_error_message(error),
        "a missing file is an error that names it");
  snug_error_free(error);
  error = NULL;
  check(!snug_model_open(NULL, &error) && snug_error_code(error) == SNUG_WRONG_USAGE, "NULL is an error, not a crash");
  snug_error_free(error);
  check(!snug_model_open("/nonexistent.onnx", NULL), "an error need not be asked for");
  error = NULL;
  snug_model *model = snug_model_open(model_path, NULL);
  check(!snug_model_convert(model, "{\"acumulator-bits\":14}", NULL, NULL, NULL, NULL, NULL, &error) &&
            strstr(snug_error_line(error), "accumulator-bits"),
        "an unknown option is an error that guesses the right one");
  snug_error_free(error);
  error = NULL;
  check(!snug_model_convert(model, "{\"accumulator-bits\":99}", NULL, NULL, NULL, NULL, NULL, &error) &&
            strstr(snug_error_line(error), "2 to 32"),
        "a value out of range is an error that says the range");
  snug_error_free(error);
  error = NULL;
  char *settings = snug_settings("convert");
  check(settings && strstr(settings, "\"accumulator-bits\""), "the options are told by the table of the command line");
  snug_free(settings);
  check(!snug_settings("dance"), "no options are told of a job that there is not");
  char *doctor = snug_doctor();
  check(doctor && strstr(doctor, "\"onednn\""), "the library says what it computes with");
  snug_free(doctor);
  char text[] = "not an ONNX file";
  snug_model *malformed = snug_model_from_memory(text, sizeof text, "broken", &error);
  check(!snug_model_inspect(malformed, &error) && snug_error_code(error) == SNUG_UNUSABLE_INPUT &&
            strstr(snug_error_line(error), "broken.onnx"),
        "malformed bytes are an error with the name that was given");
  snug_error_free(error);
  error = NULL;
  check(snug_model_save(model, "/proc/none/x.onnx", &error) == SNUG_UNWRITABLE_OUTPUT, "what can't be written says so");
  snug_error_free(error);
  snug_model_free(malformed);
  snug_model_free(model);
  snug_model_free(NULL);
  snug_samples_free(NULL);
  snug_session_free(NULL);
  snug_error_free(NULL);
  snug_free(NULL);
}

/* ---- Cancelling ---- */

static int32_t cancel_at_once(void *context) {
  (*(int *)context)++;
  return 1;
}

static void check_cancelling(void) {
  snug_error *error = NULL;
  snug_model *model = snug_model_open(model_path, NULL);
  int asked = 0;
  snug_observer observer = {.context = &asked, .is_cancelled = cancel_at_once};
  char options[8192];
  snprintf(options, sizeof options, "{\"data\":\"%s\"}", calibration);
  check(!snug_model_convert(model, options, NULL, NULL, NULL, &observer, NULL, &error) && asked > 0 &&
            snug_error_code(error) == SNUG_INTERRUPTED,
        "a conversion is cancelled");
  snug_error_free(error);
  error = NULL;
  asked = 0;
  snprintf(options, sizeof options, "{\"data\":\"%s\", \"loss\":\"distill\", \"epochs\":10000}", calibration);
  check(!snug_model_finetune(model, options, NULL, NULL, NULL, &observer, NULL, &error) && asked > 0 &&
            snug_error_code(error) == SNUG_INTERRUPTED,
        "a training is cancelled");
  snug_error_free(error);
  snug_model_free(model);
}

/* ---- Runs ---- */

static void check_runs(void) {
  snug_error *error = NULL;
  snug_model *model = snug_model_open(model_path, NULL);
  snug_session *session = snug_session_new(model, NULL, &error);
  check(session && snug_session_input_count(session) == 1 && !strcmp(snug_session_input_name(session, 0), "input") &&
            !snug_session_output_name(session, 1),
        "a session knows the names of inputs and outputs");
  float values[64] = {0}, logits[10];
  snug_tensor input = {.name = "input", .element_type = 1, .rank = 4, .shape = {1, 1, 8, 8}, .data = values,
                       .byte_count = sizeof values};
  snug_tensor result = {.data = logits, .byte_count = sizeof logits};
  check(snug_session_run(session, &input, 1, &result, 1, &error) == SNUG_OK && result.rank == 2 &&
            result.shape[1] == 10 && result.byte_count == sizeof logits && logits[0] == logits[0],
        "a run writes to the caller's memory");
  result.byte_count = 4;
  check(snug_session_run(session, &input, 1, &result, 1, &error) == SNUG_WRONG_USAGE &&
            result.byte_count == sizeof logits,
        "too little room is an error that says how much is needed");
  snug_error_free(error);
  error = NULL;
  input.name = "image";
  result.byte_count = sizeof logits;
  check(snug_session_run(session, &input, 1, &result, 1, &error) == SNUG_UNUSABLE_INPUT &&
            strstr(snug_error_node(error), "image"),
        "an unknown input is an error that names it");
  snug_error_free(error);
  error = NULL;
  input.name = NULL;
  input.byte_count = 8;
  check(snug_session_run(session, &input, 1, &result, 1, &error) == SNUG_WRONG_USAGE,
        "bytes that don't fit the shape are refused");
  snug_error_free(error);
  snug_session_free(session);
  snug_model_free(model);
}

/* ---- Threads ---- */

static void *convert_in_thread(void *bytes) {
  char options[8192];
  snprintf(options, sizeof options, "{\"data\":\"%s\", \"accumulator-bits\":12, \"calibration-samples\":40}",
           calibration);
  snug_model *model = converted(options, NULL);
  *(void **)bytes = snug_model_bytes(model, (size_t *)((void **)bytes + 1), NULL);
  snug_model_free(model);
  return NULL;
}

static void check_threads(void) {
  struct {
    void *bytes;
    size_t count;
  } results[4] = {{0}};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, convert_in_thread, &results[i]);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  int same = results[0].bytes != NULL;
  for (int i = 1; i < 4; i++)
    same = same && results[i].count == results[0].count &&
           !memcmp(results[i].bytes, results[0].bytes, results[0].count);
  check(same, "four threads convert at once, each to the same bytes");
  for (int i = 0; i < 4; i++) snug_free(results[i].bytes);
}

int main(int count, char **words) {
  if (count != 3) return 64;
  snprintf(model_path, sizeof model_path, "%s/model.onnx", words[1]);
  snprintf(calibration, sizeof calibration, "%s/calibration.npz", words[1]);
  snprintf(output, sizeof output, "%s/saved.onnx", words[2]);
  check(*snug_version() == '0', "the library tells its version");
  check_errors();
  check_memory();
  check_samples();
  check_runs();
  check_cancelling();
  check_threads();
  puts("all hold");
  return 0;
}
