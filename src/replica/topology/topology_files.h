/* The two files of the node's directory that say of which cluster it is (docs/format/topology.md):
 *
 *      founding   what the control shard began with; never changes, but for the sum behind it
 *      topology   the newest known, so that a restarted node knows at once where everything is
 *
 * Worker 0 writes them, and all read them. Each is durable before any log, `founding` first. What
 * an earlier life left there without having synced the directory is durable by the time it is read:
 * a start raises the node's generation first, in the same directory (member/identity.h). */
#pragma once
#include "worker/worker.h"

/* While the cluster's topology is this one, do both end with their sum? NULL: no. */
bool topology_files_have_sums(const struct topology *topology);
/* Durable on return. ERR_NO_SPACE and what else may pass: what was there before is there still. */
int topology_files_save(struct worker *worker, const struct topology *topology) MUST_CHECK;
int topology_files_save_founding(struct worker *worker, const struct topology *founding,
                                 bool is_summed) MUST_CHECK;
/* What the file says, in *topology, owned by the caller; NULL: there is none. ERR_DAMAGED and
 * others with a sentence. */
int topology_files_load(struct worker *worker, struct topology **topology,
                        struct buffer *problem) MUST_CHECK;
int topology_files_load_founding(struct worker *worker, struct topology **founding,
                                 struct buffer *problem) MUST_CHECK;
/* What the two say together at a start, each owned by the caller; both NULL: nothing yet. Errors as
 * above, and where one is lost. */
int topology_files_load_both(struct worker *worker, struct topology **topology,
                             struct topology **founding, struct buffer *problem) MUST_CHECK;
