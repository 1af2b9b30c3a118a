/* The threads of this process, as the kernel shows them. */
#ifndef TASKS_H
#define TASKS_H

#include "check.h"

#include <dirent.h>

/* How many have a name that begins so. */
static inline int threads_named(const char *prefix) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        char path[300], name[64] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
        FILE *comm = fopen(path, "r");
        if (comm != NULL) {
            bool read = fgets(name, sizeof(name), comm) != NULL;
            count += read && strncmp(name, prefix, strlen(prefix)) == 0;
            fclose(comm);
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

#endif
