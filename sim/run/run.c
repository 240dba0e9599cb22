#include "sim/run/run.h"
#include "sim/backup/archivist.h"
#include "sim/fault/faults.h"
#include "sim/life/connection.h"
#include "sim/life/life.h"
#include "sim/run/census.h"
#include "sim/run/course.h"
#include "sim/run/ending.h"
#include "sim/run/founding.h"
#include "sim/run/last_backup.h"
#include "sim/workload/client.h"

enum {
    SIM_SETTLE_US = 1000000, /* between the founding and the first fault */
    SIM_FOUNDING_LIMIT_US = 20000000,
    SIM_PROGRESS_LIMIT_US = 20000000, /* after the faults: every client is answered by then... */
    SIM_HEALED_LEAST_US = 5000000,    /* ...and all go on for so long */
    SIM_LAST_READS_LIMIT_US = 20000000
};

/* ---- the phases, in their order ---- */

static bool is_founded(struct simulation *simulation, void *context) {
    (void)simulation;
    return founder_is_done(context);
}

static void found_cluster(struct simulation *simulation, struct founder *founder) {
    if (!course_until_reached(simulation, SIM_FOUNDING_LIMIT_US, is_founded, founder))
        simulation_fail(simulation, "the cluster was not founded in time");
    course_until(simulation, simulation->queue.now_us + SIM_SETTLE_US);
}

static bool every_client_progressed(struct simulation *simulation, void *context) {
    const uint64_t *before = context;
    for (unsigned i = 0; i < simulation->client_count; i++)
        if (client_done_count(simulation->clients[i]) <= before[i])
            return false;
    return true;
}

static void work_after_faults(struct simulation *simulation) {
    uint64_t before[SIM_CLIENT_MAXIMUM];
    for (unsigned i = 0; i < simulation->client_count; i++)
        before[i] = client_done_count(simulation->clients[i]);
    if (!course_until_reached(simulation, SIM_PROGRESS_LIMIT_US, every_client_progressed, before))
        simulation_fail(simulation,
                        "no progress: a client got no answer for %u s after the faults ended",
                        SIM_PROGRESS_LIMIT_US / 1000000);
    course_until(simulation, simulation->queue.now_us + SIM_HEALED_LEAST_US);
}

static bool is_census_right(struct simulation *simulation, void *context) {
    (void)simulation;
    return census_is_right(context);
}

/* Reads of single keys do not see one that nobody asks for, or that two shards hold. Its
 * connections are the run's, so that it has to outlive all events: returned owned. */
static struct census *take_census(struct simulation *simulation) {
    struct census *census = census_new(simulation);
    if (!course_until_reached(simulation, SIM_LAST_READS_LIMIT_US, is_census_right, census)) {
        struct bytes problem = census_problem(census);
        simulation_fail(simulation, "the keys are not those that were read last: %.*s",
                        BYTES_PRINT(problem));
    }
    return census;
}

static void check_everything(struct simulation *simulation) {
    struct buffer problem;
    buffer_init(&problem, SIM_FAILURE_MAXIMUM);
    if (!ending_await(simulation, &problem))
        simulation_fail(simulation, "replicas did not become equal after the faults: %.*s",
                        BYTES_PRINT(buffer_bytes(&problem)));
    buffer_clear(&problem);
    if (!simulation_has_failed(simulation) &&
        history_check(&simulation->history, &simulation->verdict, &problem))
        buffer_append_bytes(&simulation->failure, buffer_bytes(&problem));
    buffer_release(&problem);
}

bool simulation_run(struct simulation *simulation) {
    faults_set_date(simulation->faults);
    for (unsigned i = 0; i < simulation->founded_count; i++)
        sim_node_start(simulation->nodes[i]);
    struct founder *founder = founder_new(simulation);
    found_cluster(simulation, founder);

    simulation->phase = PHASE_FAULTS;
    simulation->faults_end_us =
        simulation->queue.now_us + (uint64_t)(simulation->options.minutes * 60e6);
    for (unsigned i = 0; i < simulation->client_count; i++)
        client_start(simulation->clients[i]);
    faults_start(simulation->faults);
    if (simulation->archivist)
        archivist_start(simulation->archivist);
    course_until(simulation, simulation->faults_end_us);

    simulation->phase = PHASE_HEALED;
    trace_line(&simulation->trace, "the faults end");
    faults_heal(simulation->faults);
    work_after_faults(simulation);

    simulation->phase = PHASE_LAST_READS;
    course_read_everything(simulation); /* a lost write shows even where nobody came by */
    struct census *census = take_census(simulation);
    last_backup_check(simulation);
    check_everything(simulation);
    simulation->phase = PHASE_OVER;
    for (unsigned i = 0; i < simulation->node_count; i++)
        connections_node_died(simulation, i);
    census_free(census);
    founder_free(founder);
    return !simulation_has_failed(simulation);
}
