#include "agent/agent_rest.h"
#include "base/check.h"
#include "profile/heap.h"
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Code is mapped from a file and never written, so that the kernel may forget its pages at any
 * time; data that was relocated and is read only since would be lost, so only what is executable
 * is given back. */
static bool is_code(const ElfW(Phdr) * header) {
    return header->p_type == PT_LOAD && (header->p_flags & PF_X) && !(header->p_flags & PF_W);
}

/* Of the program, or of one of its libraries. */
static int give_back_code(struct dl_phdr_info *object, size_t bytes, void *context) {
    (void)bytes, (void)context;
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        if (!is_code(header))
            continue;
        uintptr_t begin = (object->dlpi_addr + header->p_vaddr) & ~(page_bytes - 1);
        uintptr_t end = object->dlpi_addr + header->p_vaddr + header->p_memsz;
        /* It is advice: where the kernel has none of it, the pages stay. */
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

static void agent_rest(uv_timer_t *timer) {
    (void)timer;
    heap_give_back();
    dl_iterate_phdr(give_back_code, NULL);
}

void agent_rest_init(struct agent_rest *rest, uv_loop_t *loop) {
    CHECK(uv_timer_init(loop, &rest->timer) == 0);
    CHECK(uv_timer_start(&rest->timer, agent_rest, AGENT_REST_MS, AGENT_REST_MS) == 0);
}

void agent_rest_close(struct agent_rest *rest) { uv_close((uv_handle_t *)&rest->timer, NULL); }
