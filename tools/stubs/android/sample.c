/* The library of a case that brings no source. The array makes the compiler place a canary,
   the call needs an entry in the global offset table. */
typedef __SIZE_TYPE__ size_t;
extern char *strncpy(char *, const char *, size_t);
extern size_t strlen(const char *);

__attribute__((visibility("default"))) int sample_length(const char *text) {
    char copy[64];
    strncpy(copy, text, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    return (int)strlen(copy);
}
