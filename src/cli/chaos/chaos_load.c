/* What the agents cost: datagrams and bytes as each counts them (GOSSIP INFO), processor and memory
 * as the system does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/chaos/chaos.h"

enum { PROC_PATH_BYTES = 64, PROC_LINE_BYTES = 1024 };

static bool read_line(const char *path, char out[PROC_LINE_BYTES]) {
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool is_read = fgets(out, PROC_LINE_BYTES, file) != NULL;
    fclose(file);
    return is_read;
}

/* Behind the command's name, which may hold anything, the 12th and 13th field are user and system
 * time. */
static uint64_t processor_us(pid_t pid) {
    char path[PROC_PATH_BYTES], line[PROC_LINE_BYTES];
    unsigned long long user, system;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *behind = read_line(path, line) ? strrchr(line, ')') : NULL;
    if (!behind || sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                          &user, &system) != 2)
        return 0;
    return (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t resident_bytes(pid_t pid) {
    char path[PROC_PATH_BYTES], line[PROC_LINE_BYTES];
    unsigned long long pages;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (!read_line(path, line) || sscanf(line, "%*u %llu", &pages) != 1)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t grown(uint64_t *kept, uint64_t now) {
    uint64_t by = now > *kept ? now - *kept : 0;
    *kept = now;
    return by;
}

/* ---- what they count ---- */

static uint64_t counter_in(struct bytes text, const char *name) {
    const char *at = memmem(text.data, text.length, name, strlen(name));
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* What has grown belongs to the time between the samples, not to the moment of the answer. The
 * text is followed by more of the reply, so no number runs over its end. */
void chaos_load_take_info(struct chaos *chaos, unsigned index, struct bytes text) {
    struct chaos_agent *agent = &chaos->agents[index];
    bool is_first = agent->messages == 0;
    uint64_t messages = grown(&agent->messages, counter_in(text, "\ndatagrams_sent:"));
    uint64_t bytes = grown(&agent->bytes, counter_in(text, "\nbytes_sent:"));
    if (chaos->has_begun && !is_first) {
        tally_load(&chaos->tally, &(struct tally_load){.from_us = chaos->sampled_before_us,
                                                       .to_us = chaos->sampled_us,
                                                       .messages = messages,
                                                       .bytes = bytes});
    }
}

void chaos_load_sample(struct chaos *chaos) {
    const struct bytes info[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("INFO")};
    struct tally_load load = {.from_us = chaos->sampled_us, .to_us = chaos_now_us(chaos)};
    for (unsigned i = 0; i < chaos->agent_count; i++) {
        struct chaos_agent *agent = &chaos->agents[i];
        if (!chaos_agent_is_usable(agent))
            continue;
        load.agent_count++;
        load.cpu_us += grown(&agent->cpu_us, processor_us(agent->pid));
        agent->resident_bytes = resident_bytes(agent->pid);
        load.resident_bytes += agent->resident_bytes;
        if (agent->resident_bytes > load.resident_most_bytes)
            load.resident_most_bytes = agent->resident_bytes;
        chaos_ask(chaos, i, CHAOS_ASKED_INFO, info, 2);
    }
    chaos->sampled_before_us = load.from_us;
    chaos->sampled_us = load.to_us;
    if (load.to_us > load.from_us)
        tally_load(&chaos->tally, &load);
}

/* ---- the machine ---- */

double chaos_processor_share(struct chaos_processor *before) {
    char line[PROC_LINE_BYTES];
    unsigned long long user, nice, system, idle, waiting, hard, soft;
    if (!read_line("/proc/stat", line) ||
        sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
               &waiting, &hard, &soft) != 7)
        return 0;
    struct chaos_processor now = {.busy = user + nice + system + hard + soft};
    now.all = now.busy + idle + waiting;
    uint64_t all = now.all - before->all, busy = now.busy - before->busy;
    *before = now;
    return all ? (double)busy / (double)all : 0;
}
