/* The log: whatever lies in the directory, opening it ends with an error or with a log. A log opens
 * again with the same replay, and what is appended to it stands behind what it held.
 *
 * The first byte: bit 0, make the checksums right first, so that what lies behind them is reached;
 * the next two, how many segments there are besides the last. Each of these: u16 length, bytes. The
 * last: the rest. */
#include "base/check.h"
#include "base/checksum.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "store/record/format.h"
#include "store/wal/wal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* ---- a directory in memory ---- */

enum { FILE_MAXIMUM = 8, FILE_MAXIMUM_BYTES = 1 << 20, SEGMENT_BYTES = 4096 };

struct disk_file {
    char name[DISK_NAME_MAXIMUM]; /* "": there is none */
    struct buffer bytes;
};

struct directory {
    struct disk disk;
    struct disk_file files[FILE_MAXIMUM];
    struct disk_job *job;
};

static struct directory *directory_of(struct disk *disk) {
    return (struct directory *)(void *)disk;
}

static struct disk_file *directory_find(struct directory *directory, const char *name) {
    for (size_t i = 0; i < FILE_MAXIMUM; i++)
        if (strcmp(directory->files[i].name, name) == 0)
            return &directory->files[i];
    return NULL;
}

static int directory_open(struct disk *disk, const char *name, enum disk_open_mode mode,
                          struct disk_file **out) {
    *out = directory_find(directory_of(disk), name);
    if (*out == NULL && mode == DISK_CREATE) {
        *out = directory_find(directory_of(disk), "");
        if (*out == NULL)
            return ERR_NO_SPACE;
        strcpy((*out)->name, name);
        buffer_init(&(*out)->bytes, FILE_MAXIMUM_BYTES);
    }
    return *out ? 0 : ERR_NOT_FOUND;
}

static void directory_close(struct disk_file *file) { (void)file; }

static int directory_size(struct disk_file *file, uint64_t *bytes) {
    *bytes = file->bytes.length;
    return 0;
}

static int directory_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                          size_t *got) {
    size_t left = offset < file->bytes.length ? file->bytes.length - (size_t)offset : 0;
    *got = length < left ? length : left;
    if (*got)
        memcpy(into, buffer_data(&file->bytes) + offset, *got);
    return 0;
}

static int directory_preallocate(struct disk_file *file, uint64_t bytes) {
    if (bytes <= file->bytes.length)
        return 0;
    size_t more = (size_t)bytes - file->bytes.length;
    uint8_t *room = buffer_reserve(&file->bytes, more);
    if (room == NULL)
        return ERR_NO_SPACE;
    memset(room, 0, more);
    buffer_grew(&file->bytes, more);
    return 0;
}

static int directory_write(struct disk_file *file, uint64_t offset, struct bytes bytes) {
    int status = directory_preallocate(file, offset + bytes.length);
    if (status == 0 && bytes.length)
        memcpy(buffer_data(&file->bytes) + offset, bytes.data, bytes.length);
    return status;
}

static int directory_sync_file(struct disk_file *file) {
    (void)file;
    return 0;
}

static int directory_write_durable(struct disk_file *file, uint64_t offset,
                                   const struct bytes *pieces, size_t count) {
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (pieces[i].length)
            status = directory_write(file, offset, pieces[i]);
        offset += pieces[i].length;
    }
    return status;
}

static int directory_sync(struct disk *disk) {
    (void)disk;
    return 0;
}

static int directory_rename(struct disk *disk, const char *from, const char *to) {
    CHECK(directory_find(directory_of(disk), to) == NULL);
    strcpy(directory_find(directory_of(disk), from)->name, to);
    return 0;
}

static int directory_remove(struct disk *disk, const char *name) {
    struct disk_file *file = directory_find(directory_of(disk), name);
    CHECK(file != NULL);
    buffer_release(&file->bytes);
    file->name[0] = 0;
    return 0;
}

static int directory_list(struct disk *disk, void (*each)(void *context, const char *name),
                          void *context) {
    for (size_t i = 0; i < FILE_MAXIMUM; i++)
        if (directory_of(disk)->files[i].name[0])
            each(context, directory_of(disk)->files[i].name);
    return 0;
}

static void directory_submit(struct disk *disk, struct disk_job *job) {
    struct disk_job **end = &directory_of(disk)->job;
    while (*end)
        end = &(*end)->next;
    *end = job;
    job->next = NULL;
}

static void run_jobs(struct directory *directory) {
    while (directory->job) {
        struct disk_job *job = directory->job;
        directory->job = job->next;
        job->done(job, job->run(job));
    }
}

static const struct disk_ops directory_ops = {
    .open = directory_open,
    .close = directory_close,
    .size = directory_size,
    .read = directory_read,
    .write = directory_write,
    .sync = directory_sync_file,
    .write_durable = directory_write_durable,
    .preallocate = directory_preallocate,
    .rename = directory_rename,
    .remove = directory_remove,
    .sync_directory = directory_sync,
    .list = directory_list,
    .submit = directory_submit,
};

/* ---- the log in it ---- */

/* Folds a replay into one number. Only entries: a checkpoint may come to stand for other records.
 */
static int on_entry(void *context, uint32_t shard, struct bytes entry) {
    uint64_t *digest = context;
    *digest = checksum_xxh64(entry, *digest + shard);
    return 0;
}
static int on_truncate(void *context, uint32_t shard, uint64_t from_index) {
    uint64_t *digest = context;
    *digest = *digest * 31 + shard + from_index;
    return 0;
}
static int on_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    (void)context;
    (void)shard;
    (void)term;
    (void)vote;
    return 0;
}
static int on_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)context;
    (void)shard;
    (void)index;
    (void)term;
    return 0;
}
static void on_durable(void *context, uint64_t sequence) { *(uint64_t *)context = sequence; }
static void on_failure(void *context, int error, const char *what) {
    (void)context;
    (void)what;
    CHECK(error == ERR_NO_SPACE);
}

static struct wal *open_log(struct directory *directory, uint64_t *durable, uint64_t *digest) {
    struct wal_options options = {
        .disk = &directory->disk,
        .tuning = {.segment_bytes = SEGMENT_BYTES, .round_bytes = SEGMENT_BYTES, .spare_count = 1},
        .on_durable = on_durable,
        .on_failure = on_failure,
        .context = durable};
    struct wal_visitor visitor = {.entry = on_entry,
                                  .truncate = on_truncate,
                                  .state = on_state,
                                  .snapshot = on_snapshot,
                                  .context = digest};
    struct wal *wal;
    struct wal_problem problem;
    int status = wal_open(&options, &visitor, &wal, &problem);
    CHECK(status == 0 || problem.text[0]);
    return status ? NULL : wal;
}

/* Seals every record of the segment with the place it claims for itself. */
static void correct_checksums(struct buffer *segment) {
    uint32_t chain = 0;
    for (size_t at = 0; at + WAL_HEADER_BYTES <= segment->length;) {
        uint8_t *record = buffer_data(segment) + at;
        struct wal_header header;
        wal_record_peek(record, &header);
        size_t left = segment->length - at;
        if (header.payload_bytes > left || wal_record_bytes(header.payload_bytes) > left)
            return;
        struct cursor cursor = cursor_of(bytes_of(record + 16, 24));
        struct cursor life = cursor_of(bytes_of(record + 56, 8));
        header.segment = cursor_u64(&cursor);
        header.record = cursor_u64(&cursor);
        header.round = cursor_u64(&cursor);
        header.life = cursor_u64(&life);
        header.is_last_of_round = record[14] & WAL_FLAG_LAST_OF_ROUND;
        header.is_recycled = record[14] & WAL_FLAG_RECYCLED;
        wal_record_seal(record, &header, &chain);
        at += wal_record_bytes(header.payload_bytes);
    }
}

static void add_segment(struct directory *directory, uint64_t number, struct bytes bytes,
                        bool is_corrected) {
    char name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    wal_segment_name(number, name);
    CHECK(directory_open(&directory->disk, name, DISK_CREATE, &file) == 0);
    buffer_append_bytes(&file->bytes, bytes);
    if (is_corrected)
        correct_checksums(&file->bytes);
    CHECK(directory_preallocate(file, SEGMENT_BYTES) == 0);
}

static void fill(struct directory *directory, struct bytes input) {
    struct cursor cursor = cursor_of(input);
    uint8_t flags = cursor_u8(&cursor);
    unsigned before_last = flags >> 1 & 3;
    for (uint64_t number = 1; number <= before_last + 1U; number++) {
        size_t length = number <= before_last ? cursor_u16(&cursor) : cursor_left(&cursor);
        if (length > cursor_left(&cursor))
            length = cursor_left(&cursor);
        add_segment(directory, number, cursor_bytes(&cursor, length), flags & 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct directory directory = {.disk = {.ops = &directory_ops}};
    fill(&directory, bytes_of(data, length));
    uint64_t durable = 0, first = 0, second = 0, third = 0;
    struct wal *wal = open_log(&directory, &durable, &first);
    if (wal) {
        wal_free(wal);
        wal = open_log(&directory, &durable, &second);
        CHECK(wal != NULL);
        /* What the log had released went when it was opened first. */
        bool is_whole = directory_find(&directory, "wal-0000000001") != NULL;
        CHECK(first == second || !is_whole);
        wal_append_entry(wal, 7, 1, BYTES_LITERAL("one more"));
        wal_flush(wal);
        run_jobs(&directory);
        wal_free(wal);
        if (durable == 1) {
            CHECK(on_entry(&second, 7, BYTES_LITERAL("one more")) == 0);
            wal = open_log(&directory, &durable, &third);
            CHECK(wal != NULL);
            CHECK(second == third);
            wal_free(wal);
        }
    }
    for (size_t i = 0; i < FILE_MAXIMUM; i++)
        if (directory.files[i].name[0])
            buffer_release(&directory.files[i].bytes);
    return 0;
}
