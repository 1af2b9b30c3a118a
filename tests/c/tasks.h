/* The threads of this process, as the kernel shows them. */
#ifndef TASKS_H
#define TASKS_H

#include "check.h"

#include <dirent.h>

/* A thread's name, with a line's end. False where the thread has gone. */
static inline bool name_of_task(const char *task, char *name, int size) {
    char path[300];
    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task);
    FILE *comm = fopen(path, "r");
    bool read = comm != NULL && fgets(name, size, comm) != NULL;
    if (comm != NULL) {
        fclose(comm);
    }
    return read;
}

/* The number of threads whose name begins with this prefix. */
static inline int threads_named(const char *prefix) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        char name[64] = "";
        count += name_of_task(task->d_name, name, sizeof(name)) &&
                 strncmp(name, prefix, strlen(prefix)) == 0;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

#endif
