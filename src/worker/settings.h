/* The settings of this node: worker 0 has their layers and alone decides; every thread is told of a
 * change by one mail, and takes all of it or nothing. */
#pragma once
#include "worker/worker.h"

/* As the settings say. */
struct wal_tuning settings_wal_tuning(const struct config *config);
void settings_init(struct worker *worker, const struct config *config);
void settings_release(struct worker *worker);
/* At a start, before any replica is made: what an earlier life promised, which the log says to have
 * had replicas or not, and that this one's promises are durable. ERR_NO_SPACE, ERR_IO with a
 * sentence. */
int settings_open_promise(struct worker *worker, bool had_replicas,
                          struct buffer *problem) MUST_CHECK;
void settings_tick(struct worker *worker);
/* Takes over what worker 0 has decided: pairs of a MAIL_SETTINGS. */
void settings_apply(struct worker *worker, struct bytes pairs);
void settings_file_mail(struct worker *worker, struct bytes pairs);
/* At a start, before any replica is made: every worker but 0, which is made last, has the settings
 * of all nodes from the topology that was saved. Worker 0 does so with the next one. */
void settings_start(struct worker *worker, const struct topology *topology);
/* The worker's topology is another: worker 0 takes the settings of all nodes from it. */
void settings_take_cluster(struct worker *worker);
/* May this be proposed to the control shard (`setting.set` or `setting.unset` and its arguments)?
 * ERR_NOT_FOUND, ERR_INVALID, ERR_REFUSED, ERR_LIMIT with a sentence. */
int settings_check_cluster(const struct worker *worker, const struct bytes *proposal, size_t count,
                           struct buffer *problem) MUST_CHECK;
/* Worker 0: takes the changed copy of its layers, and puts it in place everywhere if it can be
 * settled. ERR_INVALID with a sentence. */
int settings_change(struct worker *worker, struct config_layers *changed,
                    struct buffer *problem) MUST_CHECK;
