/*
 * cmd/main.h - the program: everything below main().
 */
#ifndef CMD_MAIN_H
#define CMD_MAIN_H

#define BRINCO_VERSION "0.1.0" /* the project's, as CMakeLists.txt has it */

/* Runs the subcommand that argv names; reorders argv. The result is the exit status: 0, 1 (not
 * found, some refused) or 2 (usage, configuration, or something needed is not there). */
int cmd_main(int argc, char **argv);

#endif
