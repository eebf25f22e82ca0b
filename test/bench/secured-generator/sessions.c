#include "sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int sessions_read(struct sessions *sessions, const char *path, uint32_t wanted)
{
	FILE *file = path == NULL ? NULL : fopen(path, "rb");
	uint32_t kept = 0;
	uint32_t port = 0;

	if (file != NULL && (fread(&port, sizeof(port), 1, file) != 1 || fread(&kept, sizeof(kept), 1, file) != 1)) {
		kept = 0;
	}
	sessions->port = (uint16_t)port;
	sessions->count = kept > wanted ? kept : wanted;
	sessions->all = calloc(sessions->count, sizeof(struct session));
	if (sessions->all == NULL) {
		return -ENOMEM;
	}
	if (kept > 0 && fread(sessions->all, sizeof(struct session), kept, file) != kept) {
		return -EIO;
	}
	return file == NULL || fclose(file) == 0 ? 0 : -errno;
}

int sessions_write(const struct sessions *sessions, const char *path)
{
	FILE *file = fopen(path, "wb");
	uint32_t port = sessions->port;

	if (file == NULL) {
		return -errno;
	}
	bool written = fwrite(&port, sizeof(port), 1, file) == 1 &&
		       fwrite(&sessions->count, sizeof(sessions->count), 1, file) == 1 &&
		       fwrite(sessions->all, sizeof(struct session), sessions->count, file) == sessions->count;

	return fclose(file) == 0 && written ? 0 : -EIO;
}
