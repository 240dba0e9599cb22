/* TROTHDB HELP. */
#pragma once
#include "wire/reply.h"

void trothdb_help(struct reply *reply);
