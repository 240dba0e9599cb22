#include "worker/rates.h"

#include <stdbool.h>

static const struct rates_sample *newest(const struct rates *rates) {
    return &rates->samples[(rates->next + RATES_SAMPLES - 1) % RATES_SAMPLES];
}

static const struct rates_sample *oldest(const struct rates *rates) {
    return &rates->samples[(rates->next + RATES_SAMPLES - rates->count) % RATES_SAMPLES];
}

static bool went_back(const struct rates *rates, const struct rates_sample *sample) {
    const struct rates_sample *before = newest(rates);
    return rates->count &&
           (sample->commands < before->commands || sample->input_bytes < before->input_bytes ||
            sample->output_bytes < before->output_bytes);
}

void rates_add(struct rates *rates, const struct rates_sample *sample) {
    if (went_back(rates, sample))
        rates->count = 0;
    rates->samples[rates->next] = *sample;
    rates->next = (rates->next + 1) % RATES_SAMPLES;
    rates->count += rates->count < RATES_SAMPLES;
}

static uint64_t per_second(uint64_t before, uint64_t now, uint64_t duration_us) {
    return (uint64_t)((double)(now - before) * 1e6 / (double)duration_us);
}

struct rates_sample rates_per_second(const struct rates *rates) {
    const struct rates_sample *from = oldest(rates), *to = newest(rates);
    struct rates_sample rate = {0};
    if (rates->count < 2 || to->at_us <= from->at_us)
        return rate;
    rate.at_us = to->at_us - from->at_us;
    rate.commands = per_second(from->commands, to->commands, rate.at_us);
    rate.input_bytes = per_second(from->input_bytes, to->input_bytes, rate.at_us);
    rate.output_bytes = per_second(from->output_bytes, to->output_bytes, rate.at_us);
    return rate;
}
