/* The program of an extension that brings no source; its entry point is NSExtensionMain. */
#include "sdk.h"

@interface ExtensionController : UIViewController
@property(nonatomic, strong) NSString *title;
@end

@implementation ExtensionController
- (void)viewDidLoad {
    char copy[64];
    strncpy(copy, [self.title UTF8String], sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    self.title = [NSString stringWithUTF8String:copy];
}
@end
