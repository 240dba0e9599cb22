/* A time to live or a time to die among a command's arguments. */
#pragma once
#include "command/command.h"

struct expiry_argument {
    size_t position; /* 0: there is none */
    bool is_seconds; /* else milliseconds */
    bool is_absolute;
};

/* For commands that refuse anything but a time to come (SET, SETEX, GETEX). *expiry_ms is a time of
 * the epoch, which an absolute argument may well put into the past. False: the error, which names
 * `command_name`, has been replied. */
bool expiry_argument_read(struct command_context *context, const struct expiry_argument *argument,
                          const char *command_name, uint64_t *expiry_ms);
/* For EXPIRE and its kin, where any time will do: it may be negative. */
bool expiry_argument_read_any(struct command_context *context,
                              const struct expiry_argument *argument, const char *command_name,
                              int64_t *expiry_ms);
