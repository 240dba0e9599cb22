/* The file "promise": whatever it holds, the worker starts; it keeps what the file says, or the
 * longest promise that there can be where the file cannot say it, until that has run off. The first
 * byte: bit 0, make the checksum right first. */
#include "../unit/store/fake_disk.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "worker/promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { SUM_BYTES = 4, WANTED_US = 120000, NOW_US = 5000000 };

static void correct_sum(uint8_t *file, size_t length) {
    if (length < SUM_BYTES)
        return;
    uint32_t sum = checksum_crc32c(0, bytes_of(file, length - SUM_BYTES));
    for (unsigned i = 0; i < SUM_BYTES; i++)
        file[length - SUM_BYTES + i] = (uint8_t)(sum >> (8 * i));
}

static void expect_kept(struct fake_disk *fake) {
    struct promise promise;
    uint64_t said_us = 0, kept_us = WANTED_US;
    int status = promise_read(&fake->disk, &said_us);
    CHECK(status == 0 || status == ERR_DAMAGED || status == ERR_VERSION);
    said_us = status ? PROMISE_LONGEST_US : said_us;
    CHECK(said_us <= PROMISE_LONGEST_US);
    kept_us = said_us > kept_us ? said_us : kept_us;
    CHECK(promise_open(&promise, &fake->disk, false, WANTED_US, NOW_US) == 0);
    CHECK(promise.is_guessed == (status != 0) && promise.most_us == kept_us);
    CHECK(promise_tick(&promise, NOW_US + kept_us - 1) == 0);
    CHECK(promise.most_us == kept_us);
    CHECK(promise_tick(&promise, NOW_US + kept_us) == 0);
    CHECK(promise_read(&fake->disk, &said_us) == 0 && said_us == WANTED_US);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    uint8_t *file = memory_copy(data + 1, length - 1);
    if (data[0] & 1)
        correct_sum(file, length - 1);
    fake_disk_init(fake);
    fake_disk_put(fake, PROMISE_FILE, bytes_of(file, length - 1));
    expect_kept(fake);
    fake_disk_release(fake);
    memory_free(fake);
    memory_free(file);
    return 0;
}
