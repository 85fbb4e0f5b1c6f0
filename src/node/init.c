/* zanni_init: where a program begins, and where a process that the library started for it goes another way: the launcher,
   and the process actors that it forks, never come back from here. */

#include "../actor/class.h"
#include "../object/classes.h"
#include "../place/launcher.h"
#include "../supervisor/supervisor.h"
#include "child.h"
#include "make.h"

#include <unistd.h>
#include <zanni/class.h>

int
zanni__own_classes (void)
{
    int rc = zanni__ready_classes ();
    return rc ? rc : zanni__supervisor_class ();
}

int
zanni_init (const zanni_class_t *const *classes)
{
    (void) zanni__own_classes ();   // before the program's, which may inherit from them; a node makes sure of them
    int rc = zanni__class_init (classes);
    int fd = zanni__launcher_fd ();
    if (fd >= 0)
        _exit (zanni__launcher_main (fd, zanni__child_main));
    return rc;
}
