/* An S3 store on loopback, on a thread of its own, that keeps one blob, answers one request a
 * connection, and can be told to answer anything else. It asks nobody for a signature, and notes
 * what it did. */
#pragma once
#include "base/bytes.h"
#include <pthread.h>

enum { S3_SERVER_BLOB_BYTES = 4096 };

struct s3_server {
    int listener;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    struct bytes answer;   /* to every request, and then the connection ends; no data: its own */
    bool has_blob;
    uint8_t blob[S3_SERVER_BLOB_BYTES];
    size_t blob_bytes;
    unsigned put_count, get_count, list_count, remove_count;
    unsigned wrong_count; /* what no store is asked */
};

void s3_server_start(struct s3_server *server);
void s3_server_stop(struct s3_server *server);
/* Borrows, until it is told otherwise. */
void s3_server_answer(struct s3_server *server, struct bytes answer);
