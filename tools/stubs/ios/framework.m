/* The library of a framework that brings no source. */
#include "sdk.h"

@interface SampleFormatter : NSObject
@property(nonatomic, strong) NSString *prefix;
@end

@implementation SampleFormatter
- (NSUInteger)lengthOf:(NSString *)text {
    char copy[64];
    strncpy(copy, [text UTF8String], sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    self.prefix = text;
    return strlen(copy);
}
@end
