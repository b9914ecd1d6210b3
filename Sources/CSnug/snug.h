/* libsnug: neural networks that fit narrow accumulators, with a proof.
 *
 * The functions do what the command `snug` does, for programs of any language. Options are a JSON object (or YAML) whose
 * keys are the long options of the command and the keys of its recipe files, such as
 *
 *     {"accumulator-bits": 14, "mean": [0.49, 0.48, 0.45], "layers": [{"match": "conv1", "weight-bits": 8}]}
 *
 * Results are JSON texts, the documents that the command prints with --json.
 *
 * Handles belong to the caller, who frees each with the function of its type. A handle may be used from several threads at
 * once, but be freed by one, after the others. There is no state between calls but the number of threads that the process
 * computes with (snug_set_threads). Functions that can fail take a place for an error last; it may be NULL, and is set only
 * where the function fails. Texts are UTF-8 and end with a zero byte; those that a handle gives live as long as it does,
 * all others are freed with snug_free. */
#ifndef SNUG_H
#define SNUG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, such as "0.1.0". */
const char *snug_version(void);

/* Frees a text or bytes that a function returned; NULL is allowed. */
void snug_free(void *memory);

/* Sets how many threads this process computes with; all cores unless it is called. */
void snug_set_threads(int32_t count);

/* The options of a job as a JSON array of {"name", "summary", "values", "range", "default", ...}.
 * The jobs are "convert", "finetune", "sweep", "verify", "export" and "evaluate"; NULL for any other. */
char *snug_settings(const char *job);

/* What this library can compute with on this machine, as JSON: the document of `snug doctor --json`. */
char *snug_doctor(void);

/* ---- Errors ---- */

/* Why a function failed; the numbers are the command's exit statuses. */
enum {
  SNUG_OK = 0,
  SNUG_UNUSABLE_INPUT = 2,   /* malformed, unsupported, missing or contradictory */
  SNUG_UNWRITABLE_OUTPUT = 3, /* what was at its path is untouched */
  SNUG_WRONG_USAGE = 64,     /* an argument of the function that it can't work with */
  SNUG_INTERRUPTED = 130     /* by the caller's is_cancelled */
};

typedef struct snug_error snug_error;

int32_t snug_error_code(const snug_error *error);
/* The failure on one line: file, node, what is wrong, what to do. */
const char *snug_error_line(const snug_error *error);
/* What is wrong, in one clause. */
const char *snug_error_message(const snug_error *error);
/* The file; NULL where none is concerned. */
const char *snug_error_file(const snug_error *error);
/* The node, tensor, field or option, with its kind: "node 'conv1' (Conv)"; NULL where none is concerned. */
const char *snug_error_node(const snug_error *error);
/* What to do about it, in one clause; NULL where nothing is known. */
const char *snug_error_hint(const snug_error *error);
/* NULL is allowed. */
void snug_error_free(snug_error *error);

/* ---- Tensors ---- */

enum { SNUG_MAX_RANK = 16 };

typedef struct snug_tensor {
  const char *name; /* NULL where the place says which it is */
  int32_t element_type; /* as ONNX numbers them: 1 float, 2 uint8, 3 int8, 6 int32, 7 int64, 9 bool, 11 double, ... */
  int32_t rank;
  int64_t shape[SNUG_MAX_RANK];
  void *data; /* row-major */
  size_t byte_count; /* of data; of an output, before the call, what there is room for */
} snug_tensor;

/* ---- Samples ---- */

typedef struct snug_samples snug_samples;

/* What one call of a source gives. */
typedef struct snug_batch {
  const snug_tensor *inputs; /* named as the model's inputs; the name of an only one may be NULL */
  size_t input_count;
  const snug_tensor *reference; /* labels (integers) or targets; NULL for none */
} snug_batch;

/* Fills in a batch, whose memory must stay until the next call; returns 1, or 0 after the last one, or less than 0 to give
 * up. */
typedef int32_t (*snug_batch_source)(void *context, snug_batch *batch);

enum {
  SNUG_STACKED = 0, /* dimension 0 of each array counts samples, of which a batch has any number */
  SNUG_SEPARATE = 1 /* a batch is one sample, each array with the shape that the model takes */
};

/* Reads all samples from a source, on the calling thread, into a private temporary folder. */
snug_samples *snug_samples_read(snug_batch_source source, void *context, int32_t form, snug_error **error);
/* The number of samples. */
size_t snug_samples_count(const snug_samples *samples);
void snug_samples_free(snug_samples *samples);

/* ---- Models ---- */

typedef struct snug_model snug_model;

/* A model on disk. Each job reads it anew, so that a verdict is always on what the disk holds. */
snug_model *snug_model_open(const char *path, snug_error **error);
/* A model in memory, which is copied; the name is for messages and may be NULL. */
snug_model *snug_model_from_memory(const void *bytes, size_t count, const char *name, snug_error **error);
/* Where the model lies; that of one in memory is private and goes with the handle. */
const char *snug_model_path(const snug_model *model);
/* The bytes of the file, to be freed with snug_free. */
void *snug_model_bytes(const snug_model *model, size_t *count, snug_error **error);
/* Writes a copy of the file, with its external data; returns SNUG_OK or the error's code. */
int32_t snug_model_save(const snug_model *model, const char *path, snug_error **error);
void snug_model_free(snug_model *model);

/* What the model takes and gives, as `snug inspect --json` has it: {"inputs": [{"name", "type", "shape"}], "outputs": [...]}.
 * A size that is open is a text, a shape of unknown rank null. */
char *snug_model_signature(const snug_model *model, snug_error **error);
/* Every dot-product layer, as `snug inspect --json`. */
char *snug_model_inspect(const snug_model *model, snug_error **error);
/* The same as a web page that needs no other file. */
char *snug_model_page(const snug_model *model, snug_error **error);
/* The verdict, as `snug verify --json`. A refutation is a result, not an error. Options may be NULL. */
char *snug_model_verify(const snug_model *model, const char *options, snug_error **error);
/* The certificate, as `snug verify --certificate` writes it. */
char *snug_model_certificate(const snug_model *model, const char *options, snug_error **error);

/* ---- Jobs ---- */

/* Who follows a job, and may stop it. Any member may be NULL. The functions are called from the threads that work, often,
 * and must return soon. */
typedef struct snug_observer {
  void *context;
  /* How far a stage, such as "calibrating", has come. */
  void (*progress)(void *context, const char *activity, int64_t completed, int64_t total, const char *unit);
  /* What a user should know. */
  void (*message)(void *context, const char *text);
  /* Not 0 to stop the job, which then fails with SNUG_INTERRUPTED. */
  int32_t (*is_cancelled)(void *context);
} snug_observer;

/* Converts a float model, as `snug convert`. Samples may be NULL, or be named in the options as "data" and "validation".
 * The result goes to the path `output`, or where that is NULL to a private file that goes with the handle.
 *
 * summary: where the document of `snug convert --json` is put, to be freed with snug_free; may be NULL. */
snug_model *snug_model_convert(const snug_model *model, const char *options, const snug_samples *data,
                               const snug_samples *validation, const char *output,
                               const snug_observer *observer, char **summary, snug_error **error);
/* The same after training under the constraint, as `snug finetune`. */
snug_model *snug_model_finetune(const snug_model *model, const char *options, const snug_samples *data,
                                const snug_samples *validation, const char *output,
                                const snug_observer *observer, char **summary, snug_error **error);
/* Converts at many widths, as `snug sweep`, and leaves tables, a figure and a page in a folder. */
char *snug_model_sweep(const snug_model *model, const char *options, const snug_samples *data,
                       const snug_samples *validation, const char *folder,
                       const snug_observer *observer, snug_error **error);
/* Writes a quantized model in another format, as `snug export`. */
snug_model *snug_model_export(const snug_model *model, const char *options, const char *output,
                              char **summary, snug_error **error);
/* Measures a model, as `snug evaluate`. Samples may be NULL where the options name "data". */
char *snug_model_evaluate(const snug_model *model, const char *options, const snug_samples *data,
                          const snug_observer *observer, snug_error **error);

/* ---- Runs ---- */

typedef struct snug_session snug_session;

/* Makes a model ready to run. Options ("shape", "batch") may be NULL. */
snug_session *snug_session_new(const snug_model *model, const char *options, snug_error **error);
size_t snug_session_input_count(const snug_session *session);
size_t snug_session_output_count(const snug_session *session);
/* NULL where there is none of that number. */
const char *snug_session_input_name(const snug_session *session, size_t index);
const char *snug_session_output_name(const snug_session *session, size_t index);
/* Runs the model once. Each output is written to the memory that the caller has put into `data`; type, rank, shape and
 * byte_count are filled in. An output for which there is too little room is not written; byte_count then says how much is
 * needed, and the call fails with SNUG_WRONG_USAGE. An output with `data` NULL is left out. `outputs` has a place for each
 * output, in the order of the model. Returns SNUG_OK or the error's code. */
int32_t snug_session_run(const snug_session *session, const snug_tensor *inputs, size_t input_count,
                         snug_tensor *outputs, size_t output_count, snug_error **error);
void snug_session_free(snug_session *session);

/* Runs the command line to its end, which is that of the process. */
int32_t snug_main(int32_t count, const char *const *words);

#ifdef __cplusplus
}
#endif

#endif
