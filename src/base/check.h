/* CHECK(property): an assertion that stays on in release builds. One property a CHECK.
 * When it fails the process says where and aborts: a store that goes on in an impossible state
 * could lie. */
#pragma once

#define CHECK(property)                                                                            \
    ((property) ? (void)0 : check_failed(#property, __FILE__, __LINE__, __func__))

#define UNREACHABLE() check_failed("unreachable", __FILE__, __LINE__, __func__)

_Noreturn void check_failed(const char *property, const char *file, int line, const char *function);
