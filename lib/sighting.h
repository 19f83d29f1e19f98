/* One record's meaning, for the walk through the log (sightings.h). Private to it. */
#ifndef DPC_SIGHTING_H
#define DPC_SIGHTING_H

#include "sightings.h"

/* What /proc has of a process: its name among those of the run. */
enum { SIGHTINGS_PROCESS = 32 };
void sightings_name_process(char name[SIGHTINGS_PROCESS], uint32_t pid);

/* The path was looked at, how says enum sighting: it counts if what is there is not of
 * the run's own making. */
void sighting_look(struct pathset_entry *e, uint32_t how);

/* What lies at the path, tidied up, was executed. DPC_E_MEMORY. */
int sighting_of_program(struct sightings *s, const char *path, uint32_t how);

/* The i-th path may be that of an open file of which it was asked where it lies. DPC_E_MEMORY. */
int sighting_of_opened(struct sightings *s, size_t i);

/* Add what the record tells of its path, which is absolute. DPC_MISS with the reason
 * when the result must not be kept for it; DPC_E_MEMORY. */
int sighting_of_path(struct sightings *s, const struct wire_record *r, dpc_error *err);

#endif
