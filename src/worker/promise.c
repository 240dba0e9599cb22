#include "worker/promise.h"

#include "base/buffer.h"
#include "base/checksum.h"
#include "base/cursor.h"
#include "base/memory.h"

/* docs/format/promise.md: "TRPR", u8 version, u64 promise in us, u32 crc32c of all before. */
enum { PROMISE_VERSION = 1, PROMISE_BYTES = 17 };
#define PROMISE_MAGIC "TRPR"

/* ---- the file ---- */

static int decode(struct bytes in, uint64_t *promise_us) {
    if (in.length != PROMISE_BYTES)
        return ERR_DAMAGED;
    struct cursor cursor = cursor_of(in);
    struct bytes magic = cursor_bytes(&cursor, 4);
    uint8_t version = cursor_u8(&cursor);
    *promise_us = cursor_u64(&cursor);
    bool is_sound = bytes_equal(magic, BYTES_LITERAL(PROMISE_MAGIC)) &&
                    cursor_u32(&cursor) == checksum_crc32c(0, bytes_of(in.data, in.length - 4));
    if (!is_sound)
        return ERR_DAMAGED;
    if (version != PROMISE_VERSION)
        return ERR_VERSION;
    return *promise_us <= PROMISE_LONGEST_US ? 0 : ERR_DAMAGED; /* no setting asks for more */
}

int promise_read(struct disk *disk, uint64_t *promise_us) {
    uint8_t *data;
    size_t length;
    int error = disk_read_all(disk, PROMISE_FILE, PROMISE_BYTES, &data, &length);
    if (error)
        return error == ERR_LIMIT ? ERR_DAMAGED : error;
    error = decode(bytes_of(data, length), promise_us);
    memory_free(data);
    return error;
}

static int write_file(struct disk *disk, uint64_t promise_us) {
    struct buffer out;
    buffer_init(&out, PROMISE_BYTES);
    buffer_append(&out, PROMISE_MAGIC, 4);
    buffer_append_u8(&out, PROMISE_VERSION);
    buffer_append_u64(&out, promise_us);
    buffer_append_u32(&out, checksum_crc32c(0, buffer_bytes(&out)));
    int error = disk_write_all(disk, PROMISE_FILE, buffer_bytes(&out));
    buffer_release(&out);
    return error;
}

int promise_write_none(struct disk *disk) { return write_file(disk, 0); }

/* Makes what is wanted the most that is promised. */
static int settle(struct promise *promise) {
    int error = write_file(promise->disk, promise->wanted_us);
    if (error == 0)
        promise->most_us = promise->wanted_us;
    return error;
}

/* ---- the rule ---- */

int promise_open(struct promise *promise, struct disk *disk, bool had_replicas, uint64_t wanted_us,
                 uint64_t now_us) {
    *promise = (struct promise){.disk = disk};
    int error = promise_read(disk, &promise->most_us);
    bool is_missing = error == ERR_NOT_FOUND && had_replicas;
    promise->is_guessed = error == ERR_DAMAGED || error == ERR_VERSION || is_missing;
    if (promise->is_guessed)
        promise->most_us = PROMISE_LONGEST_US;
    else if (error && error != ERR_NOT_FOUND)
        return error;
    /* A life that ended before its directory was synced may have left this file, and the power take
     * it back. */
    error = disk->ops->sync_directory(disk);
    if (error)
        return error;
    return promise_want(promise, wanted_us, now_us);
}

int promise_want(struct promise *promise, uint64_t wanted_us, uint64_t now_us) {
    if (wanted_us == promise->wanted_us)
        return 0;
    promise->wanted_us = wanted_us;
    promise->run_off_us = now_us + promise->most_us;
    return wanted_us > promise->most_us ? settle(promise) : 0;
}

int promise_tick(struct promise *promise, uint64_t now_us) {
    if (promise->wanted_us == promise->most_us || now_us < promise->run_off_us)
        return 0;
    promise->run_off_us = now_us + promise->most_us; /* of the next try, should this one fail */
    return settle(promise);
}
