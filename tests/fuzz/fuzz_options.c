/* How the sanitizer of what is undefined behaves in every target, unless the environment says
 * otherwise: it ends the program, as every other finding does. By itself it would print a line and
 * go on, and a fuzzer would keep neither the input nor the line. */
const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void) { return "halt_on_error=1:print_stacktrace=1"; }
