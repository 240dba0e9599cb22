/* An S3 store on loopback, on a thread of its own, that keeps one blob, answers one request a
 * connection, and can be told to answer anything else, to drip, or to answer before it has all of
 * the request. It asks nobody for a signature, and notes what it did. */
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
    unsigned drip_us;      /* between two bytes of an answer; 0: it is sent at once */
    bool is_hasty;         /* answers what it has the head of, and keeps nothing */
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
void s3_server_drip(struct s3_server *server, unsigned drip_us);
void s3_server_be_hasty(struct s3_server *server, bool is_hasty);
