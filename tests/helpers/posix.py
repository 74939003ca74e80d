"""What Python has on POSIX only, as far as a project like this one might use it."""

MODULES = {
    *("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"),
}

NAMES = {
    "os": {
        # getppid is there, but goes on to name a parent that has ended
        *("fork", "forkpty", "getppid", "getpgid", "getpgrp", "getsid", "setsid", "setpgid"),
        *("getuid", "geteuid", "getgid", "getegid", "getgroups", "setuid", "setgid"),
        *("kill", "killpg", "nice", "wait", "wait3", "wait4", "waitid", "register_at_fork"),
        *("posix_spawn", "posix_spawnp", "pidfd_open", "sched_getaffinity", "sched_setaffinity"),
        *("sync", "fdatasync", "chown", "lchown", "fchown", "fchmod", "mkfifo", "mknod", "statvfs"),
        *("pread", "pwrite", "sendfile", "openpty", "uname", "getloadavg", "sysconf", "confstr"),
        *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC"),
        *("WNOHANG", "WIFEXITED", "WIFSIGNALED", "WEXITSTATUS", "WTERMSIG"),
    },
    "signal": {
        *("SIGKILL", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPIPE"),
        *("SIGSTOP", "SIGTSTP", "SIGCONT", "SIGWINCH", "SIGXFSZ", "SIGXCPU"),
        *("SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK", "pthread_sigmask", "pthread_kill"),
        *("alarm", "setitimer", "getitimer", "pause", "sigwait", "sigwaitinfo", "sigtimedwait"),
        *("sigpending", "siginterrupt"),
    },
    "errno": {"EDQUOT"},
    "time": {"tzset", "clock_gettime", "clock_settime", "pthread_getcpuclockid"},
}

FOLDERS = ("/dev/", "/etc/", "/proc/", "/sys/", "/tmp/", "/usr/", "/var/")
