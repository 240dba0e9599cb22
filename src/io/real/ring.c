#include "io/real/ring.h"
#include "base/check.h"
#include "base/memory.h"
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RING_ENTRIES = 2 };

/* Shared with the kernel: one side moves the head of each queue, the other its tail. */
struct ring {
    int descriptor;
    bool is_busy;
    void *queues, *entries;
    size_t queues_bytes, entries_bytes;
    unsigned *submission_tail, *submission_array, submission_mask;
    unsigned *completion_head, *completion_tail, completion_mask;
    struct io_uring_cqe *completions;
};

static int ring_enter(const struct ring *ring, unsigned submitted, unsigned awaited) {
    unsigned flags = awaited ? IORING_ENTER_GETEVENTS : 0;
    long result;
    do
        result = syscall(SYS_io_uring_enter, ring->descriptor, submitted, awaited, flags, NULL, 0);
    while (result < 0 && errno == EINTR);
    return (int)result;
}

/* ---- opening and closing ---- */

static void *map(int descriptor, size_t bytes, off_t what) {
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, what);
}

static bool map_queues(struct ring *ring, const struct io_uring_params *parameters) {
    size_t submission_bytes = parameters->sq_off.array + parameters->sq_entries * sizeof(unsigned);
    size_t completion_bytes =
        parameters->cq_off.cqes + parameters->cq_entries * sizeof(struct io_uring_cqe);
    ring->queues_bytes = submission_bytes > completion_bytes ? submission_bytes : completion_bytes;
    ring->entries_bytes = parameters->sq_entries * sizeof(struct io_uring_sqe);
    ring->queues = map(ring->descriptor, ring->queues_bytes, IORING_OFF_SQ_RING);
    ring->entries = map(ring->descriptor, ring->entries_bytes, IORING_OFF_SQES);
    return ring->queues != MAP_FAILED && ring->entries != MAP_FAILED;
}

static void find_fields(struct ring *ring, const struct io_uring_params *parameters) {
    uint8_t *base = ring->queues;
    ring->submission_tail = (unsigned *)(void *)(base + parameters->sq_off.tail);
    ring->submission_array = (unsigned *)(void *)(base + parameters->sq_off.array);
    ring->submission_mask = *(unsigned *)(void *)(base + parameters->sq_off.ring_mask);
    ring->completion_head = (unsigned *)(void *)(base + parameters->cq_off.head);
    ring->completion_tail = (unsigned *)(void *)(base + parameters->cq_off.tail);
    ring->completion_mask = *(unsigned *)(void *)(base + parameters->cq_off.ring_mask);
    ring->completions = (struct io_uring_cqe *)(void *)(base + parameters->cq_off.cqes);
}

static int fail(struct ring *ring) {
    int error = errno;
    ring_close(ring);
    return error;
}

int ring_open(int descriptor, struct ring **out) {
    struct ring *ring = memory_allocate_zeroed(1, sizeof *ring);
    struct io_uring_params parameters = {.flags = 0};
    *out = NULL;
    ring->queues = ring->entries = MAP_FAILED;
    ring->descriptor = (int)syscall(SYS_io_uring_setup, RING_ENTRIES, &parameters);
    if (ring->descriptor < 0)
        return fail(ring);
    /* Both queues in one mapping: since Linux 5.4; no older kernel is worth a second way. */
    if (!(parameters.features & IORING_FEAT_SINGLE_MMAP)) {
        errno = ENOSYS;
        return fail(ring);
    }
    if (!map_queues(ring, &parameters))
        return fail(ring);
    find_fields(ring, &parameters);
    if (syscall(SYS_io_uring_register, ring->descriptor, IORING_REGISTER_EVENTFD, &descriptor, 1))
        return fail(ring);
    *out = ring;
    return 0;
}

void ring_close(struct ring *ring) {
    CHECK(!ring->is_busy);
    if (ring->entries != MAP_FAILED)
        munmap(ring->entries, ring->entries_bytes);
    if (ring->queues != MAP_FAILED)
        munmap(ring->queues, ring->queues_bytes);
    if (ring->descriptor >= 0)
        close(ring->descriptor);
    memory_free(ring);
}

/* ---- writing ---- */

bool ring_is_busy(const struct ring *ring) { return ring->is_busy; }

bool ring_write(struct ring *ring, int descriptor, uint64_t offset, struct bytes bytes) {
    CHECK(!ring->is_busy && bytes.length <= UINT32_MAX);
    unsigned tail = *ring->submission_tail, place = tail & ring->submission_mask;
    struct io_uring_sqe *entry = (struct io_uring_sqe *)ring->entries + place;
    *entry = (struct io_uring_sqe){.opcode = IORING_OP_WRITE,
                                   .fd = descriptor,
                                   .off = offset,
                                   .addr = (uintptr_t)bytes.data,
                                   .len = (uint32_t)bytes.length,
                                   .rw_flags = RWF_DSYNC};
    ring->submission_array[place] = place;
    __atomic_store_n(ring->submission_tail, tail + 1, __ATOMIC_RELEASE);
    ring->is_busy = ring_enter(ring, 1, 0) == 1;
    if (!ring->is_busy) /* the kernel moved its head past nothing */
        __atomic_store_n(ring->submission_tail, tail, __ATOMIC_RELEASE);
    return ring->is_busy;
}

bool ring_take(struct ring *ring, int64_t *result) {
    unsigned head = *ring->completion_head;
    if (!ring->is_busy || head == __atomic_load_n(ring->completion_tail, __ATOMIC_ACQUIRE))
        return false;
    *result = ring->completions[head & ring->completion_mask].res;
    __atomic_store_n(ring->completion_head, head + 1, __ATOMIC_RELEASE);
    ring->is_busy = false;
    return true;
}

void ring_wait(struct ring *ring) {
    if (ring->is_busy)
        CHECK(ring_enter(ring, 0, 1) >= 0);
}
