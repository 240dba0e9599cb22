/* How a command goes to a shard, and whether it could. */
#pragma once

enum route_result { ROUTE_DONE, ROUTE_BUSY /* keep the command, try again later */ };
/* Beside the flags of shard_read(): the command goes through the log, as every write does. */
enum {
    CALL_THROUGH_LOG = 1 << 8,
    CALL_ASYNC = 1 << 9, /* the answer need not wait for the disk (shard_waiter) */
    CALL_WAIT = 1 << 10  /* no command: shard_wait(); `arguments` are local, replicas and timeout in
                            milliseconds, as decimals that were checked */
};
