/* A store of blobs in memory. Jobs wait until they are run. Any call can be made to fail: the n-th
 * of one kind, before it has done anything or, as where the answer is lost, when it has. */
#pragma once
#include "io/blob.h"

enum { FAKE_BLOBS_MAXIMUM = 512 };
enum fake_blob_call { BLOB_PUT, BLOB_GET, BLOB_LIST, BLOB_REMOVE, BLOB_SWEEP, BLOB_CALL_COUNT };

struct fake_blob {
    char name[BLOB_NAME_MAXIMUM];
    uint8_t *data; /* owned */
    size_t length;
    bool is_unreadable; /* until it is put again */
};

struct fake_blobs {
    struct blob_store store;
    struct fake_blob blobs[FAKE_BLOBS_MAXIMUM]; /* by name */
    size_t count;
    struct blob_job *jobs;
    bool is_sound; /* no call fails, and none is counted */
    /* Called before each call of the store that is counted; NULL: nobody is. */
    void (*before_call)(void *context, enum fake_blob_call call);
    void *context;
    const char *refused; /* nothing is put whose name has this in it; NULL: everything is */
    enum fake_blob_call failing;
    bool fails_late;
    unsigned countdown; /* 0: none fails */
    unsigned failed_calls, calls[BLOB_CALL_COUNT];
};

void fake_blobs_init(struct fake_blobs *fake);
void fake_blobs_release(struct fake_blobs *fake);
/* The n-th call of this kind from now on fails with ERR_IO, once; 0: none does. */
void fake_blobs_fail(struct fake_blobs *fake, enum fake_blob_call call, unsigned nth, bool is_late);
/* Takes the oldest job off the queue, for the caller to run; NULL: there is none. */
struct blob_job *fake_blobs_take_job(struct fake_blobs *fake);
/* NULL: there is none. */
struct fake_blob *fake_blobs_find(struct fake_blobs *fake, const char *name);
