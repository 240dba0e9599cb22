/* The door to what the system says of this process and its machine. Nothing hangs on it but what
 * people are told. */
#pragma once
#include <stdint.h>

enum { PROCESS_SYSTEM_BYTES = 208 };

struct process_facts {
    char system[PROCESS_SYSTEM_BYTES]; /* "Linux 6.1.0-18 x86_64"; empty: not known */
    uint64_t id;
    /* 0 where the system does not say. */
    uint64_t resident_bytes, resident_most_bytes;
    uint64_t machine_bytes; /* memory that the machine has */
    uint64_t user_us, system_us;
    uint64_t thread_user_us, thread_system_us; /* of the thread that asks */
};
