/* The smallest program with what debugging information can say about calls: an inlined call inside another one, a
 * tail call, a cold part, a static function, two of the same line. It is never run.
 *
 *   gcc -g -gdwarf-5 -O2 -fno-pie -no-pie -nostdlib -static -Wl,--build-id=none,-n \
 *     -ffile-prefix-map=$PWD=/src -o inlined.gcc-dwarf5 inlined.c
 *   clang -g -gdwarf-4 -O1 -fno-pie -nostdlib -static -Wl,--build-id=none,-n \
 *     -ffile-prefix-map=$PWD=/src -o inlined.clang-dwarf4 inlined.c
 */
struct point { int x, y; };
int volatile sink;

__attribute__((noinline, cold, noreturn)) static void fail(struct point *p) {
    for (;;) sink = p->y;
}

static inline __attribute__((always_inline)) int inner(struct point *p, int by) {
    if (p->x < 0) fail(p);
    sink = by; return p->x * by + sink;
}

static inline __attribute__((always_inline)) int outer(struct point *p) {
    int sum = 0;
    for (int i = 0; i < p->y; i++)
        sum += inner(p, i);
    return sum;
}

__attribute__((noinline)) static int last(int value) {
    sink = value;
    return sink + 1;
}

__attribute__((noinline)) static int jumps(struct point *p) {
    sink = p->x;
    return last(p->y);
}

void _start(void) {
    struct point p = { sink, sink };
    sink = outer(&p) + jumps(&p);
    for (;;) sink++;
}
