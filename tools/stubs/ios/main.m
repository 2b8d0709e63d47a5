/* The program of a case that brings no source: an app delegate that shows nothing. The array
   makes the compiler place a canary, the property makes it count references. */
#include "sdk.h"

@interface AppDelegate : UIResponder
@property(nonatomic, strong) UIWindow *window;
@end

@implementation AppDelegate
- (BOOL)application:(id)application didFinishLaunchingWithOptions:(id)options {
    char copy[64];
    NSString *scene = [[NSUserDefaults standardUserDefaults] stringForKey:@"scene"];
    strncpy(copy, [scene UTF8String], sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    self.window = [UIWindow new];
    [self.window makeKeyAndVisible];
    return strlen(copy) < 64;
}
@end

int main(int count, char **words) {
    return UIApplicationMain(count, words, nil, @"AppDelegate");
}
