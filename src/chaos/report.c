#include "chaos/report.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/text/json.h"
#include <stdio.h>
#include <stdlib.h>

/* report_page.html, which the build makes a list of numbers of. */
static const uint8_t page[] = {
#include "chaos/report_page.inc"
};
static const char page_mark[] = "/*REPORT*/";

static void append_quantiles(struct json *json, const char *name,
                             const struct histogram *histogram) {
    json_open(json, name, '{');
    json_number(json, "count", histogram->count);
    json_number(json, "p50_us", tally_quantile_us(histogram, 0.5));
    json_number(json, "p95_us", tally_quantile_us(histogram, 0.95));
    json_number(json, "p99_us", tally_quantile_us(histogram, 0.99));
    json_number(json, "maximum_us", histogram->maximum);
    json_close(json, '}');
}

/* Pairs: so many microseconds, and how many took at most that. */
static void append_distribution(struct json *json, const char *name,
                                const struct histogram *histogram) {
    uint64_t so_far = 0;
    json_open(json, name, '[');
    for (unsigned i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        so_far += histogram->counts[i];
        if (histogram->counts[i] == 0)
            continue;
        json_open(json, NULL, '[');
        json_number(json, NULL, histogram_bucket_upper(i));
        json_number(json, NULL, so_far);
        json_close(json, ']');
    }
    json_close(json, ']');
}

static void append_news(struct json *json, const struct tally *tally) {
    json_open(json, "news", '{');
    json_number(json, "sent", tally->message_count);
    json_number(json, "known_to_all", tally->news_known_count);
    json_number(json, "orphans", tally->orphan_count);
    json_number(json, "uncounted", tally->messages_uncounted);
    append_quantiles(json, "views", &tally->news_views);
    append_quantiles(json, "all", &tally->news_known);
    append_distribution(json, "views_distribution", &tally->news_views);
    append_distribution(json, "all_distribution", &tally->news_known);
    json_close(json, '}');
}

static int compare_times(const void *a, const void *b) {
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

/* The times by which one after the other knew, in order, thinned out where there are many. */
static void append_death_views(struct json *json, const struct tally *tally,
                               const struct tally_death *death) {
    size_t count = 0;
    uint64_t *sorted = memory_allocate(tally->agent_maximum * sizeof *sorted);
    for (unsigned i = 0; i < tally->agent_maximum; i++)
        if (death->views_us[i] != TALLY_NEVER)
            sorted[count++] = death->views_us[i];
    qsort(sorted, count, sizeof *sorted, compare_times);
    size_t step = count / REPORT_VIEWS_MAXIMUM + 1;
    json_open(json, "views_us", '[');
    for (size_t i = 0; i < count; i += step)
        json_number(json, NULL, sorted[i]);
    if (count > 0 && (count - 1) % step != 0)
        json_number(json, NULL, sorted[count - 1]);
    json_close(json, ']');
    memory_free(sorted);
}

static void append_agent(struct json *json, const char *name, unsigned agent) {
    char text[16];
    snprintf(text, sizeof text, "a%u", agent + 1);
    json_text(json, name, text);
}

static void append_deaths(struct json *json, const struct tally *tally) {
    append_quantiles(json, "death_views", &tally->death_views);
    append_quantiles(json, "death_all", &tally->death_known);
    json_number(json, "deaths_uncounted", tally->deaths_uncounted);
    json_open(json, "deaths", '[');
    for (size_t i = 0; i < tally->death_count; i++) {
        const struct tally_death *death = &tally->deaths[i];
        json_open(json, NULL, '{');
        append_agent(json, "agent", death->agent);
        json_number(json, "at_us", death->at_us);
        json_number(json, "viewers", death->view_count);
        json_boolean(json, "is_outlived", death->is_outlived);
        if (death->known_us != TALLY_NEVER)
            json_number(json, "all_us", death->known_us - death->at_us);
        else
            json_null(json, "all_us");
        append_death_views(json, tally, death);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void append_falsehoods(struct json *json, const struct tally *tally) {
    json_number(json, "accusations", tally->accusations);
    json_number(json, "false_accusations", tally->false_accusations);
    json_number(json, "false_deaths", tally->false_deaths);
    json_open(json, "falsehoods", '[');
    for (size_t i = 0; i < tally->falsehood_count; i++) {
        const struct tally_falsehood *falsehood = &tally->falsehoods[i];
        json_open(json, NULL, '{');
        json_number(json, "at_us", falsehood->at_us);
        append_agent(json, "of", falsehood->target);
        append_agent(json, "by", falsehood->viewer);
        json_boolean(json, "is_death", falsehood->is_death);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static uint64_t per_second(uint64_t amount, uint64_t agent_us) {
    return agent_us > 0 ? (uint64_t)((double)amount * 1e6 / (double)agent_us) : 0;
}

static void append_slice(struct json *json, const struct tally *tally, size_t position) {
    const struct tally_slice *slice = &tally->slices[position];
    const struct tally_load *load = &slice->load;
    json_open(json, NULL, '{');
    json_number(json, "at_us", position * tally->slice_us);
    json_number(json, "agents", load->agent_count);
    if (slice->news != NULL)
        append_quantiles(json, "news", slice->news);
    json_number(json, "accusations", slice->accusations);
    json_number(json, "false_accusations", slice->false_accusations);
    json_number(json, "wrong_views", slice->wrong_views);
    if (slice->agent_us > 0) {
        json_number(json, "messages_per_1000s", per_second(load->messages * 1000, slice->agent_us));
        json_number(json, "bytes_per_second", per_second(load->bytes, slice->agent_us));
        json_number(json, "cpu_ppm", per_second(load->cpu_us, slice->agent_us));
        json_number(json, "resident_mean_bytes",
                    load->agent_count > 0 ? load->resident_bytes / load->agent_count : 0);
        json_number(json, "resident_most_bytes", load->resident_most_bytes);
    }
    json_close(json, '}');
}

static void append_slices(struct json *json, const struct report *report) {
    const struct tally *tally = report->tally;
    json_number(json, "slice_us", tally->slice_us);
    json_open(json, "slices", '[');
    for (size_t i = 0; i < TALLY_SLICE_MAXIMUM && i * tally->slice_us < tally->length_us; i++)
        append_slice(json, tally, i);
    json_close(json, ']');
}

static void append_load(struct json *json, const struct tally *tally) {
    json_open(json, "per_agent", '{');
    json_number(json, "bytes_per_second", tally_bytes_per_second(tally));
    json_number(json, "messages_per_1000s", tally_messages_per_second_milli(tally));
    json_number(json, "cpu_ppm", tally_cpu_ppm(tally));
    json_number(json, "resident_most_bytes", tally_resident_most_bytes(tally));
    json_close(json, '}');
}

bool report_is_short(const struct report *report, unsigned step) {
    return report->fell_on[step] < scenario_step_wanted(&report->scenario->steps[step]);
}

static void append_fell_on(struct json *json, const struct report *report, unsigned step) {
    unsigned wanted = scenario_step_wanted(&report->scenario->steps[step]);
    if (!wanted || report->fell_on[step] == REPORT_NEVER_FELL)
        return;
    json_number(json, "wanted", wanted);
    json_number(json, "fell_on", report->fell_on[step]);
}

static void append_timeline(struct json *json, const struct report *report) {
    const struct scenario *scenario = report->scenario;
    json_open(json, "timeline", '[');
    for (unsigned i = 0; i < scenario->step_count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        json_open(json, NULL, '{');
        json_number(json, "at_us", step->at_us);
        json_number(json, "until_us", scenario_step_end_us(scenario, step));
        json_number(json, "every_us", step->every_us);
        json_text(json, "what", step->text);
        append_fell_on(json, report, i);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static bool append_verdicts(struct json *json, const struct report *report) {
    bool is_met = true;
    json_open(json, "expectations", '[');
    for (unsigned i = 0; i < report->scenario->expectation_count; i++) {
        json_open(json, NULL, '{');
        json_text(json, "expect", report->scenario->expectations[i].text);
        json_number(json, "line", report->scenario->expectations[i].line);
        json_boolean(json, "is_met", report->verdicts[i].is_met);
        json_boolean(json, "is_known", report->verdicts[i].is_known);
        json_text(json, "measured", report->verdicts[i].said);
        json_close(json, '}');
        is_met &= report->verdicts[i].is_met;
    }
    json_close(json, ']');
    return is_met;
}

void report_append_json(const struct report *report, struct buffer *out) {
    struct json json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "version", report->version);
    json_text(&json, "scenario", report->scenario->file);
    json_number(&json, "seed", report->seed);
    json_number(&json, "begun_unix_ms", report->begun_unix_ms);
    json_number(&json, "agents", report->scenario->agent_count);
    json_number(&json, "length_us", report->scenario->length_us);
    if (report->problem != NULL)
        json_text(&json, "problem", report->problem);
    bool is_met = append_verdicts(&json, report);
    json_boolean(&json, "is_ok", is_met && report->problem == NULL);
    append_news(&json, report->tally);
    append_deaths(&json, report->tally);
    append_falsehoods(&json, report->tally);
    append_load(&json, report->tally);
    append_timeline(&json, report);
    append_slices(&json, report);
    json_close(&json, '}');
}

/* Nothing in the JSON may end the element it stands in. */
static void append_harmless(struct buffer *out, struct bytes json) {
    for (size_t i = 0; i < json.length; i++)
        if (json.data[i] == '<')
            buffer_append_text(out, "\\u003c");
        else
            buffer_append_u8(out, json.data[i]);
}

void report_append_page(const struct report *report, struct buffer *out) {
    struct buffer json;
    const uint8_t *mark = memmem(page, sizeof page, page_mark, sizeof page_mark - 1);
    CHECK(mark != NULL);
    const uint8_t *behind = mark + sizeof page_mark - 1;
    buffer_init(&json, REPORT_BYTES_MAXIMUM);
    report_append_json(report, &json);
    buffer_append(out, page, (size_t)(mark - page));
    append_harmless(out, buffer_bytes(&json));
    buffer_append(out, behind, (size_t)(page + sizeof page - behind));
    buffer_release(&json);
}
