/* verbs.h: what the command can do: a function a verb. */

#ifndef ZANNI_TOOL_VERBS_H
#define ZANNI_TOOL_VERBS_H

/* Each gets its own name ("zanni wire") and arguments, as main would; answers the exit status. */
int tool_call (int argc, char **argv);
int tool_child (int argc, char **argv);   // what `zanni node` starts for processes; not for people
int tool_describe (int argc, char **argv);
int tool_doctor (int argc, char **argv);
int tool_node (int argc, char **argv);
int tool_ps (int argc, char **argv);
int tool_wire (int argc, char **argv);
int tool_keygen (int argc, char **argv);

#endif
