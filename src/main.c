/*
 * main.c - the entry: what must be so before anything else, then cmd/.
 */
#include <signal.h>

#include "cmd/main.h"

int main(int argc, char **argv) {
    /* A peer that went away and a file that may not grow are results of write(), not deaths. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return cmd_main(argc, argv);
}
