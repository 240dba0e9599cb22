/* What the files of a run ask for: the time, the first problem, and a command for one agent. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "cli/chaos/chaos.h"
#include "cli/terminal/figure.h"

uint64_t chaos_now_us(const struct chaos *chaos) {
    return chaos->has_begun ? figure_now_us() - chaos->begun_us : 0;
}

int chaos_fail(struct chaos *chaos, const char *format, ...) {
    va_list arguments;
    if (chaos->problem[0])
        return ERR_REFUSED; /* the first is the one to tell */
    va_start(arguments, format);
    vsnprintf(chaos->problem, sizeof chaos->problem, format, arguments);
    va_end(arguments);
    return ERR_REFUSED;
}

bool chaos_agent_is_usable(const struct chaos_agent *agent) {
    return agent->pid && agent->is_watched && !agent->is_paused && !agent->is_ending;
}

void chaos_hang_up(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    if (agent->is_connected)
        client_close(&agent->client);
    agent->is_connected = false;
}

void chaos_lose(struct chaos *chaos, unsigned index) {
    chaos_hang_up(chaos, index);
    chaos->agents[index].retry_us = figure_now_us() + CHAOS_RETRY_US;
}

void chaos_wish_to_write(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    struct epoll_event event = {.data.u32 = index,
                                .events = EPOLLIN | (agent->client.output.length ? EPOLLOUT : 0u)};
    epoll_ctl(chaos->epoll, EPOLL_CTL_MOD, agent->client.socket, &event);
}

bool chaos_ask(struct chaos *chaos, unsigned index, enum chaos_asked asked,
               const struct bytes *arguments, size_t count) {
    struct chaos_agent *agent = &chaos->agents[index];
    if (!agent->is_connected || agent->pending_count == CHAOS_PENDING_MAXIMUM)
        return false;
    unsigned last = (agent->pending_first + agent->pending_count++) % CHAOS_PENDING_MAXIMUM;
    agent->pending[last] = (uint8_t)asked;
    client_append(&agent->client, arguments, count);
    if (client_send_some(&agent->client)) {
        chaos_lose(chaos, index);
        return false;
    }
    if (agent->client.output.length)
        chaos_wish_to_write(chaos, index);
    return true;
}
