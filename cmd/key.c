#include "cmd.h"
int cmd_key(const struct command *self, char **words){(void)self;(void)words;return 0;}
