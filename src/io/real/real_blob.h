/* A struct blob_store by its URL: a directory ("file:///path", or the path itself), or a bucket of
 * an S3-compatible store ("s3://bucket/prefix"). */
#pragma once
#include "io/blob.h"
#include <uv.h>

struct blob_options {
    const char *url;
    /* For s3. Empty or NULL: from the environment (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL;
     * AWS_REGION, AWS_DEFAULT_REGION), or Amazon's own, us-east-1. The credentials come from the
     * environment only (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN): settings are
     * shown to whoever asks. */
    const char *endpoint, *region;
    /* For s3: a request that fails for a reason which may pass (the network, 429, 5xx) is made so
     * often at the most, within seconds, before its failure is told. 0 is 1: who can wait for
     * longer, and has other work, tries again later. */
    unsigned attempts;
    /* For s3: a request that gets on by less than 1 KiB a second is given up after so long. 0: 30.
     */
    unsigned patience_seconds;
};

/* Borrows the loop; with NULL only the synchronous calls work. Nothing is sent yet. Returns owned
 * in *out. ERR_INVALID with *problem filled. */
int blob_real_open(const struct blob_options *options, uv_loop_t *loop, struct blob_store **out,
                   struct blob_problem *problem) MUST_CHECK;

/* The two kinds; blob_real_open() chooses. */
int blob_directory_open(const char *path, uv_loop_t *loop, struct blob_store **out,
                        struct blob_problem *problem) MUST_CHECK;
int blob_s3_open(const struct blob_options *options, uv_loop_t *loop, struct blob_store **out,
                 struct blob_problem *problem) MUST_CHECK;
