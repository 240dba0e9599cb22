/* Backups on this worker: an archiver for each shard that is led here, while `backup-to` names
 * a place. */
#pragma once
#include "worker/worker.h"

struct backups;
struct backups *backups_new(void);
void backups_free(struct backups *backups); /* none of their jobs may be under way */
void backups_tick(struct worker *worker);
void backups_applied(struct worker *worker, struct shard *shard);
void backups_shard_leaves(struct worker *worker, uint32_t shard); /* it is about to be freed */
void backups_stop(struct worker *worker);                         /* for good */
bool backups_are_idle(const struct worker *worker);
/* A line for each shard led here: number, applied index, archived index, index of the newest
 * snapshot that is backed up, up to where what was hurried goes, 1 if the last attempt failed.
 * `is_now` hurries them. */
void backups_tell(struct worker *worker, bool is_now, struct buffer *text);
