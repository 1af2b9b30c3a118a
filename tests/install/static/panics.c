/* Calls two libraries in Rust that panic inside. */
#include <stddef.h>
#include <stdio.h>

int drt_panics(size_t index);
int other_answer(void);

int main(void) {
    int answer = other_answer();
    int dropped = drt_panics(3);
    printf("%d %d\n", dropped, answer);
    return 0;
}
