/* A system clock that began at 1970 when the process was started, as on a board without a battery, and that nobody has set: preloaded
   before the C library. The monotonic clock is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

static int (*real_gettime)(clockid_t, struct timespec *);
static time_t began;

__attribute__((constructor)) static void begin(void)
{
    struct timespec now;
    real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_gettime(CLOCK_REALTIME, &now);
    began = now.tv_sec - 30; /* half a minute since power-on */
}

int clock_gettime(clockid_t clock, struct timespec *told)
{
    if (!real_gettime)
        begin();
    int answer = real_gettime(clock, told);
    if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        told->tv_sec -= began;
    return answer;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told)
        *told = now.tv_sec;
    return now.tv_sec;
}

int adjtimex(struct timex *told)
{
    told->status = STA_UNSYNC;
    told->maxerror = 16000000;
    return TIME_ERROR;
}
