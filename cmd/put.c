#include "cmd.h"
#include <stddef.h>
const struct opt put_opts[] = {{NULL,0,NULL,NULL,0}};
int cmd_put(const struct command *self, char **words){(void)self;(void)words;return 0;}
