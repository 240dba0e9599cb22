#include "sim/world/power.h"

bool sim_power_is_on(struct sim_power *power) {
    if (power->is_off)
        return false;
    power->call_count++;
    if (power->off_at_call == 0 || power->call_count < power->off_at_call)
        return true;
    power->is_off = true;
    power->off_at_call = 0;
    trace_event(power->trace, "power-off", power->node, power->call_count, BYTES_NONE);
    power->went_off(power->context);
    return false;
}

static bool is_due(const struct sim_power *power, uint64_t *at_call) {
    bool is_due = *at_call && power->call_count >= *at_call;
    if (is_due)
        *at_call = 0;
    return is_due || *power->trace->now_us < power->writes_fail_until_us;
}

bool sim_power_fails_write(struct sim_power *power) {
    if (!is_due(power, &power->write_failure_at_call))
        return false;
    power->has_failed = true;
    trace_event(power->trace, "write-fails", power->node, power->call_count, BYTES_NONE);
    return true;
}

bool sim_power_fails_sync(struct sim_power *power) {
    if (!is_due(power, &power->sync_failure_at_call))
        return false;
    power->has_failed = true;
    trace_event(power->trace, "sync-fails", power->node, power->call_count, BYTES_NONE);
    return true;
}

void sim_power_note_removal(struct sim_power *power) {
    if (power->off_calls_after_remove)
        power->off_at_call = power->call_count + power->off_calls_after_remove;
    power->off_calls_after_remove = 0;
}

bool sim_power_take_space(struct sim_power *power, uint64_t from_bytes, uint64_t to_bytes) {
    if (!power->is_limited || to_bytes <= from_bytes)
        return true;
    if (to_bytes - from_bytes > power->free_bytes) {
        trace_event(power->trace, "no-space", power->node, to_bytes - from_bytes, BYTES_NONE);
        return false;
    }
    power->free_bytes -= to_bytes - from_bytes;
    return true;
}

void sim_power_give_space(struct sim_power *power, uint64_t bytes) {
    if (power->is_limited)
        power->free_bytes += bytes;
}
