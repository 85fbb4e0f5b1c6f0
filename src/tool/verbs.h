/* verbs.h: what the command can do: one function a verb, in a file of its name. */

#ifndef ZANNI_TOOL_VERBS_H
#define ZANNI_TOOL_VERBS_H

/* Each gets its own name ("zanni wire") and arguments, as main would; answers the exit status. */
int tool_wire (int argc, char **argv);
int tool_keygen (int argc, char **argv);

#endif
