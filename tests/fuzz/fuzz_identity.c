/* The file "identity": it is refused, and then left as it is, or read; what was read is raised by
 * the next start, and read back. The first byte: bit 0, make the checksum right first; bit 1, the
 * start is given another number of workers. */
#include "../unit/store/fake_disk.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "member/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { SUM_BYTES = 4, PROBLEM_MAXIMUM_BYTES = 1024 };
#define GENERATION_MAXIMUM ((UINT64_C(1) << 62) - 1) /* docs/format/identity.md */
static const uint8_t FRESH[NODE_UUID_BYTES] = {7, 1};

static void correct_sum(uint8_t *file, size_t length) {
    if (length < SUM_BYTES)
        return;
    uint32_t sum = checksum_crc32c(0, bytes_of(file, length - SUM_BYTES));
    for (unsigned i = 0; i < SUM_BYTES; i++)
        file[length - SUM_BYTES + i] = (uint8_t)(sum >> (8 * i));
}

static int start(struct fake_disk *fake, uint32_t workers, struct identity *identity) {
    struct buffer problem;
    buffer_init(&problem, PROBLEM_MAXIMUM_BYTES);
    int code = identity_open(&fake->disk, FRESH, workers, identity, &problem);
    CHECK((code != 0) == (problem.length > 0));
    buffer_release(&problem);
    return code;
}

static void expect_refused(struct fake_disk *fake, uint32_t workers, struct bytes before) {
    struct identity identity;
    CHECK(start(fake, workers, &identity) != 0);
    struct fake_file *file = fake_disk_find(fake, "identity");
    CHECK(bytes_equal(bytes_of(file->live, file->live_bytes), before));
}

static void expect_raised(struct fake_disk *fake, const struct identity *before) {
    struct identity told, read;
    char id[NODE_ID_TEXT_BYTES];
    CHECK(start(fake, before->worker_count, &told) == 0);
    CHECK(told.generation > before->generation);
    CHECK(identity_read(&fake->disk, &read) == 0);
    CHECK(read.generation == told.generation && read.worker_count == before->worker_count);
    CHECK(memcmp(read.uuid, before->uuid, NODE_UUID_BYTES) == 0);
    CHECK(memcmp(told.uuid, before->uuid, NODE_UUID_BYTES) == 0);
    identity_node_id(told.uuid, id);
    CHECK(strlen(id) == NODE_ID_TEXT_BYTES - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    uint8_t *file = memory_copy(data + 1, length - 1);
    struct bytes bytes = bytes_of(file, length - 1);
    struct identity identity = {.worker_count = 1};
    if (data[0] & 1)
        correct_sum(file, bytes.length);
    fake_disk_init(fake);
    fake_disk_put(fake, "identity", bytes);
    bool is_read = identity_read(&fake->disk, &identity) == 0, is_other = data[0] & 2;
    if (is_read && identity.generation < GENERATION_MAXIMUM && !is_other)
        expect_raised(fake, &identity);
    else
        expect_refused(fake, identity.worker_count + is_other, bytes);
    fake_disk_release(fake);
    memory_free(fake);
    memory_free(file);
    return 0;
}
