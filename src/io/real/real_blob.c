#include "io/real/real_blob.h"
#include <stdio.h>

int blob_real_open(const struct blob_options *options, uv_loop_t *loop, struct blob_store **out,
                   struct blob_problem *problem) {
    const char *url = options->url;
    problem->text[0] = 0;
    if (strncmp(url, "s3://", 5) == 0)
        return blob_s3_open(options, loop, out, problem);
    if (strncmp(url, "file://", 7) == 0 && url[7] == '/')
        return blob_directory_open(url + 7, loop, out, problem);
    if (strstr(url, "://") == NULL && url[0] != 0)
        return blob_directory_open(url, loop, out, problem);
    snprintf(problem->text, sizeof problem->text,
             "'%.200s' is no place for backups; name a directory, file:///DIRECTORY or "
             "s3://BUCKET/PREFIX",
             url);
    return ERR_INVALID;
}
