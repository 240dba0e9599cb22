#include "process/turn.h"
#include "base/check.h"

static void turn_on_prepare(uv_prepare_t *hook) {
    struct turn *turn = hook->data;
    turn->at_end(turn->context);
}

static void turn_on_alarm(uv_timer_t *alarm) { (void)alarm; /* waking the loop is all it does */ }

void turn_init(struct turn *turn, uv_loop_t *loop, struct clock *clock,
               void (*at_end)(void *context), void *context) {
    *turn = (struct turn){.clock = clock, .at_end = at_end, .context = context};
    CHECK(uv_prepare_init(loop, &turn->hook) == 0);
    CHECK(uv_timer_init(loop, &turn->alarm) == 0);
    turn->hook.data = turn;
    CHECK(uv_prepare_start(&turn->hook, turn_on_prepare) == 0);
}

void turn_set_alarm(struct turn *turn, uint64_t deadline_us) {
    if (deadline_us == UINT64_MAX) {
        uv_timer_stop(&turn->alarm);
        return;
    }
    uint64_t now_us = turn->clock->monotonic_us(turn->clock);
    uint64_t delay_ms = deadline_us > now_us ? (deadline_us - now_us + 999) / 1000 : 0;
    uint64_t spent_ms = uv_hrtime() / 1000000 -
                        uv_now(turn->alarm.loop); /* libuv counts from the turn's beginning */
    CHECK(uv_timer_start(&turn->alarm, turn_on_alarm, delay_ms + spent_ms, 0) == 0);
}

void turn_close(struct turn *turn) {
    uv_close((uv_handle_t *)&turn->hook, NULL);
    uv_close((uv_handle_t *)&turn->alarm, NULL);
}
