#ifndef SNUG_OPENBLAS_SHIM_H
#define SNUG_OPENBLAS_SHIM_H

#include <cblas.h>

/* LAPACK's, which OpenBLAS contains; its header for C is another package's. Matrices are column-major;
   info is 0 where all went well. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotrs_(const char *uplo, const int *n, const int *columns, const double *a, const int *lda,
             double *b, const int *ldb, int *info);

/* libgomp's, which the OpenMP build of OpenBLAS computes with. Holds for the calling thread. */
void omp_set_num_threads(int count);

#endif
