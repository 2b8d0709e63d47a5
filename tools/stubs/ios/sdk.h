/* The few declarations that fixture programs need: there is no SDK here. A case declares what
   else it calls. */
typedef signed char BOOL;
typedef unsigned long NSUInteger;
typedef long NSInteger;
typedef unsigned long size_t;
#define YES ((BOOL)1)
#define NO ((BOOL)0)
#define nil ((id)0)

__attribute__((objc_root_class)) @interface NSObject
+ (instancetype)alloc;
+ (instancetype)new;
- (instancetype)init;
@end

@interface NSString : NSObject
+ (NSString *)stringWithUTF8String:(const char *)text;
- (const char *)UTF8String;
- (NSUInteger)length;
@end

@interface NSUserDefaults : NSObject
+ (NSUserDefaults *)standardUserDefaults;
- (void)setObject:(id)value forKey:(NSString *)key;
- (NSString *)stringForKey:(NSString *)key;
@end

@interface UIResponder : NSObject
@end
@interface UIView : UIResponder
@end
@interface UIWindow : UIView
- (void)makeKeyAndVisible;
@end
@interface UIViewController : UIResponder
@end

extern void NSLog(NSString *format, ...);
extern int UIApplicationMain(int, char **, NSString *, NSString *);
extern char *strncpy(char *, const char *, size_t);
extern size_t strlen(const char *);
