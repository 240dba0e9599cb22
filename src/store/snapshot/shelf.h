/* The snapshots of one shard that a node keeps: the newest one that the log names, and older ones
 * while somebody still reads them (a transfer, a backup). What no manifest on the shelf names is
 * removed by snapshot_shelf_tidy().
 *
 *     snapshot_shelf_put(newest)  once the log's mark of it is durable, not before (etcd #10219)
 *     hold ... let_go             around any use that outlasts the current turn
 *
 * For the owner's loop only. */
#pragma once
#include "store/snapshot/manifest.h"

/* On the shelf at a time: the newest, the one before it as that is put, and one for each holder.
 * Who may be one is for the owner to count (SHARD_SNAPSHOT_HOLDERS_MAXIMUM). */
enum { SNAPSHOT_SHELF_MAXIMUM = 32 };

struct snapshot_shelf;

struct snapshot_shelf *snapshot_shelf_new(struct disk *disk, uint32_t shard);
/* What was held is gone with it: nobody may hold anything any more. */
void snapshot_shelf_free(struct snapshot_shelf *shelf);
/* NULL: there is none yet. Borrows until the next put. */
struct snapshot_manifest *snapshot_shelf_newest(const struct snapshot_shelf *shelf);
/* Takes the manifest. */
void snapshot_shelf_put(struct snapshot_shelf *shelf, struct snapshot_manifest *manifest);
void snapshot_shelf_hold(struct snapshot_shelf *shelf, struct snapshot_manifest *manifest);
void snapshot_shelf_let_go(struct snapshot_shelf *shelf, struct snapshot_manifest *manifest);
/* Removes the shard's files that nothing on the shelf names: on the bulk lane, behind what is
 * submitted there already. So nothing that a snapshot in the making has written may be under way.
 */
void snapshot_shelf_tidy(struct snapshot_shelf *shelf);
/* Removes all that the shard has on this disk; on the bulk lane. */
void snapshot_remove_all(struct disk *disk, uint32_t shard);
